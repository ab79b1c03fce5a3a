import assert from 'node:assert/strict';
import test from 'node:test';
import { headerText } from '../lib/reply.ts';
import { chat, eventsOf, message } from './support/http-client.ts';
import { metricOf, type Road, road } from './support/road.ts';
import { completion, DONE, delta, type Scripted, stream } from './support/scripted.ts';
import { until } from './support/upstream.ts';

/** The first pulse may come at once, so it takes one more than 8 to be sure of 8 s. */
const HOLD_PULSES = 9;
const PING_PULSES = 10;

/** An answer that comes when the test says so. */
function held(): { readonly answer: Scripted; release: (how: Scripted) => void; asked: boolean } {
  const gate = {
    asked: false,
    release: (_how: Scripted): void => {},
    answer: ((response) => {
      gate.asked = true;
      gate.release = (how) => {
        if (typeof how === 'function') throw new Error('a whole answer is wanted');
        response.writeHead(how.status ?? 200, how.headers);
        response.end(typeof how.body === 'string' ? how.body : JSON.stringify(how.body));
      };
    }) as Scripted,
  };
  return gate;
}

function pulse({ proxy }: Road, times: number): void {
  for (let n = 0; n < times; n++) proxy.pulse();
}

const said = stream(delta('said'), delta('', 'stop'), DONE);

for (const { dialect, path, body, ping } of [
  {
    dialect: 'anthropic',
    path: '/anthropic/v1/messages',
    body: message('x', { stream: true }),
    ping: 'event: ping\ndata: {"type":"ping"}\n\n',
  },
  {
    dialect: 'openai',
    path: '/openai/chat/completions',
    body: chat('x', { stream: true }),
    ping: ': ping\n\n',
  },
]) {
  test(`${dialect}: a silent stream is held after 8 s, kept awake, then answered`, async (t) => {
    const gate = held();
    const rig = await road(t, { answers: [gate.answer] });
    const live = rig.open(path, { body });
    await until(() => gate.asked);
    pulse(rig, HOLD_PULSES - 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const status = () => live.response?.statusCode;
    assert.equal(status(), undefined, 'no status before 8 s');
    pulse(rig, 1);
    await live.has(ping);
    assert.equal(status(), 200);
    assert.match(String(live.response?.headers['content-type']), /^text\/event-stream/);
    pulse(rig, PING_PULSES);
    await until(() => live.text === ping.repeat(2));
    gate.release(said);
    const { text } = await live.done;
    assert.ok(text.startsWith(ping.repeat(2)));
    assert.ok(text.includes('said'));
    if (dialect === 'anthropic') assert.match(text, /event: message_start[\s\S]*message_stop/);
    const line = await rig.requestLine();
    assert.deepEqual([line.status, line.error], [200, undefined]);
  });

  test(`${dialect}: what fails after the hold is told in the first event`, async (t) => {
    const gate = held();
    const rig = await road(t, { answers: [gate.answer], otherwise: [{ status: 503, body: {} }] });
    const live = rig.open(path, { body });
    await until(() => gate.asked);
    pulse(rig, HOLD_PULSES);
    await live.has('ping');
    gate.release({ status: 429, headers: { 'retry-after': '50' }, body: '{}' });
    const { text } = await live.done;
    const event = eventsOf(text.slice(ping.length))[0];
    const { error } = JSON.parse(event?.data ?? '');
    if (dialect === 'anthropic') {
      assert.equal(event?.name, 'error');
      assert.equal(error.type, 'overloaded_error');
    } else assert.equal(error.code, 'overloaded');
    assert.equal((await rig.requestLine()).status, 200);
  });

  test(`${dialect}: before 8 s a failure keeps its true status`, async (t) => {
    const gate = held();
    const rig = await road(t, { answers: [gate.answer] });
    const live = rig.open(path, { body });
    await until(() => gate.asked);
    pulse(rig, HOLD_PULSES - 1);
    gate.release({ status: 429, headers: { 'retry-after': '50' }, body: '{}' });
    assert.equal((await live.done).status, 429);
  });
}

test('a caller’s own fault keeps its type after a hold', async (t) => {
  const gate = held();
  const rig = await road(t, { answers: [gate.answer] });
  const live = rig.open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await until(() => gate.asked);
  pulse(rig, HOLD_PULSES);
  gate.release({ status: 400, body: '{"error":{"message":"no such field"}}' });
  const { text } = await live.done;
  assert.match(text, /event: error\ndata: .*"invalid_request_error".*no such field/);
});

test('after a hold another provider may still serve', async (t) => {
  const gate = held();
  const rig = await road(t, { answers: [gate.answer], otherwise: [completion('x'), said] });
  const live = rig.open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await until(() => gate.asked);
  pulse(rig, HOLD_PULSES);
  gate.release({ status: 429, headers: { 'retry-after': '50' }, body: '{}' });
  assert.match((await live.done).text, /"said"[\s\S]*message_stop/);
});

test('only a stream that has fallen silent is pinged, between whole events', async (t) => {
  let write = (_text: string): void => {};
  const rig = await road(t, {
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        write = (text) => response.write(text);
        write(delta('one '));
      },
    ],
  });
  const live = rig.open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await live.has('one ');
  pulse(rig, PING_PULSES - 1);
  write(delta('two '));
  await live.has('two ');
  pulse(rig, PING_PULSES - 1);
  write(delta('three ').slice(0, 30));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!live.text.includes('ping'));
  pulse(rig, 1);
  await live.has('event: ping');
  write(delta('three ').slice(30) + delta('', 'stop') + DONE);
  await live.has('message_stop');
  const names = eventsOf((await live.done).text).map(({ name }) => name);
  assert.equal(names.filter((name) => name === 'ping').length, 1);
  assert.equal(names.at(-1), 'message_stop');
});

test('a JSON client is never pinged', async (t) => {
  const gate = held();
  const rig = await road(t, { answers: [gate.answer] });
  const live = rig.open('/anthropic/v1/messages', { body: message('x') });
  await until(() => gate.asked);
  pulse(rig, 100);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(live.response, undefined);
  live.hangUp();
});

test('a held client that hangs up leaves no reservation behind', async (t) => {
  const gate = held();
  const rig = await road(t, { answers: [gate.answer] });
  const live = rig.open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await until(() => gate.asked);
  pulse(rig, HOLD_PULSES);
  await live.has('ping');
  live.hangUp();
  assert.equal((await rig.requestLine()).status, 499);
  assert.deepEqual(await metricOf(rig, 'cooldown_in_flight'), ['{provider="p1"} 0']);
});

test('bytes are counted as they go out, not as characters', async (t) => {
  const rig = await road(t, { answers: [stream(delta('æøå 你好'), delta('', 'stop'), DONE)] });
  const { text } = await rig.messages(message('x', { stream: true }));
  assert.equal((await rig.requestLine()).bytes_out, Buffer.byteLength(text));
});

for (const { text, want } of [
  { text: 'plain name', want: 'plain name' },
  { text: 'tab\tand\nline', want: 'tab?and?line' },
  { text: 'clé', want: 'cl?' },
]) {
  test(`header text: ${JSON.stringify(text)}`, () => assert.equal(headerText(text), want));
}
