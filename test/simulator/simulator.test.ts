/** Does the server route, control, log and close as it says? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '../../lib/simulator/simulator.ts';
import { ask, chat, started, until } from './ask.ts';

test('models, in the order given', async (t) => {
  const simulator = await started(t, { models: ['b', 'a'] });
  const { status, text } = await ask(simulator, '', { path: '/models', method: 'GET' });
  assert.equal(status, 200);
  const { object, data } = JSON.parse(text) as { object: string; data: { id: string }[] };
  assert.deepEqual([object, data.map(({ id }) => id)], ['list', ['b', 'a']]);
});

for (const { dialect, method, path, status, code } of [
  { dialect: 'cerebras', method: 'GET', path: '/nothing', status: 404, code: 'not_found' },
  { dialect: 'cerebras', method: 'GET', path: '/chat/completions', status: 404, code: 'not_found' },
  { dialect: 'zhipu', method: 'POST', path: '/tokenizer', status: 404, code: '1222' },
] as const) {
  test(`${dialect}: ${method} ${path} is ${status}`, async (t) => {
    const simulator = await started(t, { dialect });
    const answered = await ask(simulator, '', { path, method });
    const body = JSON.parse(answered.text) as { code?: string; error?: { code: string } };
    assert.deepEqual([answered.status, body.error?.code ?? body.code], [status, code]);
  });
}

test('any prefix and a query will do', async (t) => {
  const simulator = await started(t, { dialect: 'zhipu' });
  const path = '/../api/coding/paas/v4/chat/completions?x=1';
  assert.equal((await ask(simulator, chat('x'), { path })).status, 200);
});

test('control over HTTP: faults, log, statistics, reset; none of it is counted', async (t) => {
  const simulator = await started(t, { requestsPerMinute: 1, clock: () => 0 });
  const bad = await ask(simulator, 'boom', { path: '/../__faults' });
  assert.deepEqual([bad.status, bad.text], [400, '{"message":"Unknown fault: boom"}']);
  const queued = await ask(simulator, '503,ok', { path: '/__faults' });
  assert.deepEqual([queued.status, queued.text], [200, '{"faultsLeft":2}']);
  simulator.fault('busy');
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) statuses.push((await ask(simulator, chat('x'))).status);
  assert.deepEqual(statuses, [503, 200, 429, 429]);
  await until(() => simulator.stats().inFlight === 0);
  const log = JSON.parse((await ask(simulator, '', { path: '/__log', method: 'GET' })).text);
  assert.deepEqual(
    log.map((entry: Record<string, unknown>) => [entry.status, entry.fault, entry.outcome]),
    [
      [503, '503', 'fault'],
      [200, 'ok', 'done'],
      [429, 'busy', 'fault'],
      [429, undefined, 'refused'],
    ],
  );
  const stats = JSON.parse((await ask(simulator, '', { path: '/__stats', method: 'GET' })).text);
  assert.deepEqual([stats.requests, stats.accounts[0].rejected, stats.faultsLeft], [4, 1, 0]);
  assert.equal((await ask(simulator, '', { path: '/__reset' })).status, 200);
  assert.equal(simulator.stats().requests, 0);
  assert.equal((await ask(simulator, chat('x'))).status, 200, 'limits are forgotten too');
  assert.equal((await ask(simulator, '', { path: '/__what', method: 'GET' })).status, 404);
});

test('a log entry tells sizes, and never a credential', async (t) => {
  const simulator = await started(t, { keepBodies: true, keys: [{ key: 'hush-hush', org: 'o' }] });
  const body = chat('demo: say okay', { stream: true, reasoning_effort: 'none' });
  await ask(simulator, body, { key: 'hush-hush' });
  await until(() => simulator.stats().inFlight === 0);
  const [entry] = simulator.log();
  assert.deepEqual(entry?.body, body);
  assert.equal(entry?.headers?.authorization, '(cut out)');
  assert.ok(!JSON.stringify(simulator.log()).includes('hush-hush'));
  const seen = [entry?.org, entry?.model, entry?.stream, entry?.completionTokens, entry?.outcome];
  assert.deepEqual(seen, ['o', 'glm-4.6', true, 1, 'done']);
});

test('bodies are not kept unless asked for, and the log is bounded', async (t) => {
  const simulator = await started(t, { logEntries: 2 });
  for (let n = 0; n < 3; n++) await ask(simulator, chat(`x${n}`));
  assert.deepEqual(
    simulator.log().map(({ seq, body, headers }) => [seq, body, headers]),
    [
      [2, undefined, undefined],
      [3, undefined, undefined],
    ],
  );
});

for (const { name, options } of [
  { name: 'a bad fault', options: { faults: 'boom' } },
  { name: 'an impossible size', options: { fixed: { bytes: 1 } } },
])
  test(`does not start with ${name}`, () => assert.rejects(startSimulator(options), RangeError));

test('a port that is taken is an error', async (t) => {
  const { port } = await started(t);
  await assert.rejects(startSimulator({ port }), { code: 'EADDRINUSE' });
});
