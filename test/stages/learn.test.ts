import assert from 'node:assert/strict';
import test from 'node:test';
import { chat, errorOf } from '../support/http-client.ts';
import { metricOf, road } from '../support/road.ts';
import { completion, type Scripted } from '../support/scripted.ts';

function saying(headers: Readonly<Record<string, string>>): Scripted {
  const said = completion('x');
  if (typeof said === 'function') throw new Error('a whole answer');
  return { ...said, headers };
}

test('headers of good answers keep a request from a quota that is used up', async (t) => {
  const spent = saying({
    'x-ratelimit-limit-requests-minute': '10',
    'x-ratelimit-remaining-requests-minute': '0',
    'x-ratelimit-reset-requests-minute': '50',
  });
  const rig = await road(t, { answers: [spent] });
  assert.equal((await rig.chat(chat('x'))).status, 200);
  const answer = await rig.chat(chat('x'));
  assert.equal(answer.status, 429);
  assert.match(errorOf(answer).message, /requests per minute/);
  assert.equal(rig.provider.received.length, 1, 'no 429 had to be asked for');
});

for (const { name, type, headers } of [
  {
    name: 'headers that are not to be read',
    type: 'none',
    headers: {
      'x-ratelimit-remaining-requests-minute': '0',
      'x-ratelimit-reset-requests-minute': '50',
    },
  },
  {
    name: 'absurd headers',
    type: 'headers',
    headers: {
      'x-ratelimit-limit-requests-minute': '-5',
      'x-ratelimit-remaining-requests-minute': 'NaN',
      'x-ratelimit-reset-requests-minute': '1e999',
      'retry-after': 'soon',
    },
  },
]) {
  test(`${name} change nothing`, async (t) => {
    const rig = await road(t, {
      answers: [saying(headers)],
      provider: `    rate_limiting: { type: ${type} }`,
    });
    for (let n = 0; n < 3; n++) assert.equal((await rig.chat(chat('x'))).status, 200);
    assert.deepEqual(await metricOf(rig, 'cooldown_key_remaining'), []);
  });
}

test('an endless error body is read up to a bound', async (t) => {
  const rig = await road(t, {
    keys: ['{}', '{}'],
    answers: [
      (response) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      },
    ],
  });
  assert.equal((await rig.chat(chat('x'))).status, 200);
});
