/** What the parts of the engine do together: spill, warm caches, sized output, open circuits. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, chat, message } from './support/http-client.ts';
import { startProxy } from './support/proxy.ts';
import { metricOf, type Road, road } from './support/road.ts';
import { completion, scripted } from './support/scripted.ts';

const SESSION = { 'x-claude-code-session-id': 'session-1' };
const WAIT = 'limits: { queue: { max_wait: 20s';
const TWO = [completion('from p1'), completion('from p2')];

async function servedBy(rig: Road, count: number, headers = {}): Promise<string> {
  const by: unknown[] = [];
  for (let n = 0; n < count; n++) {
    const answer = await rig.chat(chat('x'), headers);
    assert.equal(answer.status, 200, answer.text);
    by.push(`${answer.headers['x-cooldown-provider']}/${answer.headers['x-cooldown-key']}`);
  }
  return by.join(' ');
}

/** Lets the first provider's key rest for a moment, by a refusal that goes on to the second. */
async function restFirst(rig: Road): Promise<void> {
  const refused = await rig.chat(chat('x'));
  assert.equal(refused.headers['x-cooldown-provider'], 'p2', 'a refusal goes on at once');
}

for (const { name, spill, want } of [
  { name: 'a short wait for the first provider is preferred', spill: '2s', want: 'p1/k1' },
  { name: 'with no patience the next one serves', spill: '0', want: 'p2/k1' },
]) {
  test(`spill: ${name}`, async (t) => {
    const rest = { status: 429, headers: { 'retry-after-ms': '300' }, body: {} };
    const rig = await road(t, {
      answers: [rest],
      otherwise: TWO,
      config: `${WAIT}, spill_after: ${spill} } }`,
    });
    await restFirst(rig);
    assert.equal(await servedBy(rig, 1), want);
  });
}

test('spill: a long wait is not waited for', async (t) => {
  const rig = await road(t, {
    answers: [{ status: 429, headers: { 'retry-after': '30' }, body: {} }],
    otherwise: TWO,
    config: `${WAIT} } }`,
  });
  await restFirst(rig);
  assert.equal(await servedBy(rig, 2), 'p2/k1 p2/k1');
  const failovers = await metricOf(rig, 'cooldown_failovers_total');
  assert.deepEqual(failovers, ['{provider="p1"} 1']);
});

test('affinity: a session stays with the key whose cache is warm, others take turns', async (t) => {
  const rig = await road(t, { keys: ['{}', '{}'], strategy: 'round_robin' });
  assert.equal(await servedBy(rig, 4), 'p1/k1 p1/k2 p1/k1 p1/k2');
  const first = await servedBy(rig, 1, SESSION);
  assert.equal(await servedBy(rig, 3, SESSION), `${first} ${first} ${first}`);
});

test('affinity: a warm key that is full for long is left', async (t) => {
  const rig = await road(t, {
    keys: ['{ max_requests_per_minute: 2 }', '{ max_requests_per_minute: 2 }'],
    strategy: 'round_robin',
  });
  assert.equal(await servedBy(rig, 4, SESSION), 'p1/k1 p1/k1 p1/k2 p1/k2');
});

/** A proxy on a provider that reserves output up front, whose first answer is cut short. */
async function sizing(outputSizing: string) {
  const cut = { index: 0, finish_reason: 'length', message: { role: 'assistant', content: 'ha' } };
  const provider = await scripted(
    [completion('', { choices: [cut] })],
    completion('the whole answer'),
  );
  const proxy = await startProxy(`
providers:
  - name: sized
    preset: cerebras
    endpoint: ${provider.url}
    models: [gpt-oss-120b]
    api_key: key-secret-sized
    output_sizing: ${outputSizing}
`);
  const body = message('x', { model: 'gpt-oss-120b', max_tokens: 32_000 });
  const answer = await ask(`${proxy.url}/anthropic/v1/messages`, { body });
  const sent = provider.received.map((each) => JSON.parse(each.body).max_completion_tokens);
  await proxy.close();
  await provider.close();
  return { sent, message: JSON.parse(answer.text), headers: answer.headers };
}

test('sizing: an answer that only our cap cut short is asked for again in full', async () => {
  const { sent, message: told, headers } = await sizing('auto');
  assert.deepEqual(sent, [16_384, 32_000]);
  assert.equal(told.content[0].text, 'the whole answer');
  assert.equal(headers['x-cooldown-max-tokens'], undefined, 'the last attempt was not capped');
});

test('sizing: off asks for everything at once and tells the truth', async () => {
  const { sent, message: told } = await sizing('off');
  assert.deepEqual(sent, [32_000]);
  assert.equal(told.stop_reason, 'max_tokens');
});

test('circuit: faults in a row open it, then the failure is told at once', async (t) => {
  const dead = { status: 500, body: { error: { message: 'boom' } } };
  const rig = await road(t, { otherwise: [dead], config: `${WAIT} } }` });
  for (let n = 0; n < 2; n++) assert.equal((await rig.chat(chat('x'))).status, 502);
  const tried = rig.provider.received.length;
  const quick = await rig.chat(chat('x'));
  assert.equal(quick.status, 502);
  assert.equal(rig.provider.received.length, tried, 'nothing went out');
  const health = JSON.parse((await rig.ask('/health')).text);
  assert.equal(health.providers[0].keys[0].reason, 'breaker');
});
