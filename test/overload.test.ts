import assert from 'node:assert/strict';
import test from 'node:test';
import { OVERLOAD_LOOKS } from '../lib/limits.ts';
import { OVERLOAD_BOUNDS, Overload } from '../lib/overload.ts';
import type { LogFields } from '../lib/telemetry/log.ts';
import { type ProcessLoad, processProbe } from '../lib/telemetry/process-metrics.ts';
import { chat, errorOf, message } from './support/http-client.ts';
import { CALM } from './support/proxy.ts';
import { metricOf, road } from './support/road.ts';
import { DONE, delta } from './support/scripted.ts';
import { until } from './support/upstream.ts';

function watched(bounds = OVERLOAD_BOUNDS) {
  const now = { load: CALM };
  const lines: string[] = [];
  const write = (text: string, fields: LogFields = {}) =>
    void lines.push(`${text} ${JSON.stringify(fields)}`);
  const log = { debug: write, info: write, warn: write, error: write, flush() {} };
  const overload = new Overload(() => now.load, bounds);
  const look = (load: Partial<ProcessLoad>, times = 1) => {
    now.load = { ...CALM, ...load };
    for (let n = 0; n < times; n++) overload.look(log);
    return overload.reason;
  };
  return { overload, look, lines };
}

for (const { reason, over, under, calm } of [
  { reason: 'event_loop', over: { lagMs: 1_000 }, under: { lagMs: 600 }, calm: { lagMs: 400 } },
  { reason: 'heap', over: { heapShare: 0.92 }, under: { heapShare: 0.9 }, calm: {} },
  { reason: 'memory', over: { memoryShare: 0.99 }, under: { memoryShare: 0.92 }, calm: {} },
] as const) {
  test(`${reason}: begins and ends after looks in a row, and between the bounds stays`, () => {
    const { look, lines, overload } = watched();
    assert.equal(look(over, OVERLOAD_LOOKS - 1), null);
    assert.equal(look(under), null, 'it was not in a row');
    assert.equal(look(over, OVERLOAD_LOOKS - 1), null);
    assert.equal(look(over), reason);
    assert.equal(look(under, 100), reason, 'not calm enough');
    assert.equal(look(calm, OVERLOAD_LOOKS - 1), reason);
    assert.equal(look(over), reason);
    assert.equal(overload.refusal(1), reason);
    assert.equal(look(calm, OVERLOAD_LOOKS), null);
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.match(lines[0] ?? '', new RegExp(`^overloaded, .*"reason":"${reason}"`));
    assert.match(lines[1] ?? '', new RegExp(`^no longer .*"reason":"${reason}","refused":1}`));
  });
}

test('one long pause, or many short ones, are no overload', () => {
  const { look } = watched();
  for (let n = 0; n < 50; n++) {
    assert.equal(look({ lagMs: 60_000 }), null);
    assert.equal(look({ lagMs: 20 }), null);
  }
  assert.equal(look({ lagMs: 900 }, 100), null);
});

test('one overload takes over from another without a word', () => {
  const { look, lines } = watched();
  look({ lagMs: 5_000, heapShare: 1 }, OVERLOAD_LOOKS);
  assert.equal(look({ heapShare: 1 }, OVERLOAD_LOOKS), 'heap');
  assert.equal(look({}, OVERLOAD_LOOKS), null);
  assert.equal(lines.length, 2);
});

test('nobody is refused where nobody is served', () => {
  const { look, overload } = watched();
  look({ heapShare: 1 }, OVERLOAD_LOOKS);
  assert.deepEqual([overload.refusal(0), overload.refusal(1)], [null, 'heap']);
});

test('an overloaded proxy: 503 for who comes, an answer for who is here and who waits', async (t) => {
  let load = CALM;
  let finish = () => {};
  const {
    proxy,
    ask,
    open,
    messages,
    chat: complete,
    requests,
  } = await road(t, {
    keys: ['{ max_concurrent: 1 }'],
    config: 'limits: { queue: { max_wait: 60s } }',
    proxy: { probe: () => load },
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one '));
        finish = () => response.end(delta('two', 'stop') + DONE);
      },
    ],
  });
  const health = async () => {
    const { status, text } = await ask('/health');
    const told = JSON.parse(text);
    return [status, told.status, told.overload];
  };
  const live = open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await live.has('one ');
  const waiting = complete(chat('x'));
  await until(() => proxy.gateway.waiting.depth === 1);
  load = { ...CALM, lagMs: 3_000 };
  for (let n = 0; n < OVERLOAD_LOOKS; n++) proxy.pulse();
  assert.deepEqual(await health(), [200, 'degraded', 'event_loop']);
  const refused = await messages(message('x'));
  assert.deepEqual(
    [refused.status, refused.headers['retry-after'], errorOf(refused).type],
    [503, '5', 'overloaded_error'],
  );
  assert.match(errorOf(refused).message, /^The proxy is overloaded: its event loop is late/);
  const alike = await complete(chat('x'));
  assert.deepEqual([alike.status, errorOf(alike).code], [503, 'proxy_overloaded']);
  assert.equal((await ask('/anthropic/v1/models')).status, 200);
  const shed = 'cooldown_shed_requests_total';
  assert.deepEqual(await metricOf({ ask }, shed), ['{reason="event_loop"} 2']);
  finish();
  assert.match((await live.done).text, /event: message_stop/);
  assert.equal((await waiting).status, 200);
  load = CALM;
  for (let n = 0; n < OVERLOAD_LOOKS; n++) proxy.pulse();
  assert.deepEqual(await health(), [200, 'ok', undefined]);
  assert.equal((await complete(chat('x'))).status, 200);
  const lines = proxy.log.filter(({ msg }) => String(msg).includes('overloaded'));
  assert.deepEqual(
    lines.map(({ level, refused }) => [level, refused]),
    [
      ['warn', undefined],
      ['info', 2],
    ],
  );
  assert.equal(requests().filter(({ status }) => status === 503).length, 2);
});

test('the real measures of this process, with bounds that it is over', async (t) => {
  for (const measure of ['heapShare', 'lagMs'] as const) {
    let finish = () => {};
    const { proxy, open, messages } = await road(t, {
      proxy: {
        probe: processProbe(measure === 'lagMs' ? -50 : 1_000), // as if it were always 50 ms late
        bounds: [{ reason: 'heap', measure, over: 1e-9, calm: 0 }],
      },
      answers: [
        (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(delta('one '));
          finish = () => response.end(delta('two', 'stop') + DONE);
        },
      ],
    });
    const live = open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
    await live.has('one ');
    for (let n = 0; n < OVERLOAD_LOOKS; n++) proxy.pulse();
    assert.equal((await messages(message('x'))).status, 503);
    finish();
    assert.match((await live.done).text, /event: message_stop/);
  }
});

test('a process at rest is far from every bound', () => {
  const { lagMs, heapShare, memoryShare } = processProbe(1_000)();
  assert.equal(lagMs, 0);
  assert.ok(heapShare > 0 && heapShare < 0.5, String(heapShare));
  assert.ok(memoryShare >= 0 && memoryShare < 1, String(memoryShare));
});
