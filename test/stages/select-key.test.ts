import assert from 'node:assert/strict';
import test from 'node:test';
import { chat } from '../support/http-client.ts';
import { type Road, road, TOKEN } from '../support/road.ts';
import { completion } from '../support/scripted.ts';
import { until } from '../support/upstream.ts';

function keysUsed({ provider }: Road): string {
  return provider.received
    .map(({ headers }) => /-k(\d)$/.exec(headers.authorization ?? '')?.[1] ?? '?')
    .join('');
}

test('round_robin cycles, least_used evens out', async (t) => {
  for (const strategy of ['round_robin', 'least_used']) {
    const rig = await road(t, { keys: ['{}', '{}', '{}'], strategy });
    for (let n = 0; n < 6; n++) await rig.chat(chat('x'));
    const used = [...keysUsed(rig)].sort().join('');
    assert.equal(used, '112233', strategy);
  }
});

test('a key at its limit is passed over, without a wait', async (t) => {
  const rig = await road(t, { keys: ['{ max_requests_per_minute: 1 }', '{}'] });
  for (let n = 0; n < 4; n++) {
    const answer = await rig.chat(chat('x'));
    assert.deepEqual([answer.status, answer.headers['x-cooldown-attempts']], [200, '1']);
  }
  assert.equal([...keysUsed(rig)].filter((key) => key === '1').length, 1);
});

test('keys of one org share its limit', async (t) => {
  const limit = '{ org: acme, max_requests_per_minute: 2 }';
  const rig = await road(t, { keys: [limit, limit] });
  const statuses: number[] = [];
  for (let n = 0; n < 3; n++) statuses.push((await rig.chat(chat('x'))).status);
  assert.deepEqual(statuses, [200, 200, 429]);
});

test('the first provider is preferred; one that is full is passed over', async (t) => {
  const rig = await road(t, {
    provider: '    rate_limiting: { requests_per_minute: 2 }',
    otherwise: [completion('x'), completion('x')],
  });
  const by: unknown[] = [];
  for (let n = 0; n < 4; n++) by.push((await rig.chat(chat('x'))).headers['x-cooldown-provider']);
  assert.deepEqual(by, ['p1', 'p1', 'p2', 'p2']);
});

test('those who wait for a place are served in the order in which they came', async (t) => {
  const finish: (() => void)[] = [];
  const answer = completion('x');
  if (typeof answer === 'function') throw new Error('a whole answer');
  const rig = await road(t, {
    keys: ['{ max_concurrent: 1 }'],
    otherwise: [(response) => finish.push(() => response.end(JSON.stringify(answer.body)))],
    config: 'limits: { queue: { max_wait: 20s } }',
  });
  const lives = [];
  for (const word of ['a', 'b', 'c']) {
    lives.push(rig.open('/openai/chat/completions', { body: chat(word) }));
    await until(
      () => rig.proxy.gateway.waiting.depth + rig.provider.received.length === lives.length,
    );
  }
  for (let n = 1; n <= 3; n++) {
    await until(() => rig.provider.received.length === n);
    finish[n - 1]?.();
  }
  for (const live of lives) assert.equal((await live.done).status, 200);
  const order = rig.provider.received.map(({ body }) => JSON.parse(body).messages[0].content);
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('named clients take turns, however many sessions one of them makes up', async (t) => {
  const finish: (() => void)[] = [];
  const answer = completion('x');
  if (typeof answer === 'function') throw new Error('a whole answer');
  const rig = await road(t, {
    keys: ['{ max_concurrent: 1 }'],
    otherwise: [(response) => finish.push(() => response.end(JSON.stringify(answer.body)))],
    config: `server: { clients: [{ name: ann, token: ${TOKEN}-ann }, { name: bob, token: ${TOKEN}-bob }] }
limits: { queue: { max_wait: 20s } }`,
  });
  const lives = [];
  for (const [nth, name] of ['ann', 'ann', 'ann', 'ann', 'bob'].entries()) {
    const headers = {
      authorization: `Bearer ${TOKEN}-${name}`,
      'x-claude-code-session-id': `${name} ${nth}`,
    };
    lives.push(rig.open('/openai/chat/completions', { body: chat(`${name} ${nth}`), headers }));
    await until(
      () => rig.proxy.gateway.waiting.depth + rig.provider.received.length === lives.length,
    );
  }
  for (let nth = 1; nth <= lives.length; nth++) {
    await until(() => rig.provider.received.length === nth);
    finish[nth - 1]?.();
  }
  for (const live of lives) assert.equal((await live.done).status, 200);
  const order = rig.provider.received.map(({ body }) => JSON.parse(body).messages[0].content);
  assert.deepEqual(order, ['ann 0', 'ann 1', 'bob 4', 'ann 2', 'ann 3']);
});
