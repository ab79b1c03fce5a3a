/** A fault of our own, wherever it is thrown, ends the request that it belongs to, and nothing
 *  else. */
import assert from 'node:assert/strict';
import { ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import { messages } from '../lib/routes/messages.ts';
import type { Attempt } from '../lib/translate/pair.ts';
import type { StreamTranslator } from '../lib/translate/translator.ts';
import type { Answer, UpstreamRequest } from '../lib/transports/types.ts';
import { Waiting } from '../lib/waiting.ts';
import { errorOf, message } from './support/http-client.ts';
import { type Road, type RoadOptions, road } from './support/road.ts';
import { completion, DONE, delta, type Scripted, stream } from './support/scripted.ts';
import { until } from './support/upstream.ts';

class Injected extends Error {}

const fail = (): never => {
  throw new Injected('a text that may quote a prompt');
};

/** From the `nth` call (from 0) on the method fails. */
function failing<T extends object, K extends keyof T & string>(of: T, method: K, nth = 0): T {
  let calls = 0;
  return new Proxy(of, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      const isFunction = typeof value === 'function';
      if (name !== method) return isFunction ? value.bind(target) : value;
      const call = (...args: unknown[]) =>
        calls++ < nth && isFunction ? value.apply(target, args) : fail();
      return isFunction ? call : calls++ < nth ? value : fail();
    },
  });
}

/** The first request's attempt is changed; the next ones' are as they are. */
function changedOnce(t: TestContext, change: (attempt: Attempt) => Attempt): void {
  const { read } = messages;
  let changed = false;
  t.mock.method(messages as { read: typeof read }, 'read', (bytes: Buffer, rest: string) => {
    const asked = read(bytes, rest);
    if (changed) return asked;
    changed = true;
    return {
      ...asked,
      attempt: (...of: Parameters<typeof asked.attempt>) => change(asked.attempt(...of)),
    };
  });
}

const withStream =
  (break_: (made: StreamTranslator) => StreamTranslator) => (attempt: Attempt) => ({
    ...attempt,
    stream: () => break_(attempt.stream()),
  });

const whole = stream(delta('one '), delta('two', 'stop'), DONE);
const halves: Scripted = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(delta('one '));
  setTimeout(() => response.end(delta('two', 'stop') + DONE), 20);
};
/** Says nothing that is an end. */
const cutShort = stream(delta('one '));

const BEFORE = 'a 500 in the words of the client';
const AFTER = 'an error event as the last one';

interface Case {
  readonly name: string;
  readonly answer: Scripted;
  readonly change: (attempt: Attempt) => Attempt;
  readonly want: typeof BEFORE | typeof AFTER;
}

const CASES: readonly Case[] = [
  {
    name: 'stream()',
    answer: whole,
    change: (attempt) => failing(attempt, 'stream'),
    want: BEFORE,
  },
  {
    name: 'push, at once',
    answer: whole,
    change: withStream((made) => failing(made, 'push')),
    want: BEFORE,
  },
  {
    name: 'push, later',
    answer: halves,
    change: withStream((made) => failing(made, 'push', 1)),
    want: AFTER,
  },
  {
    name: 'finish',
    answer: cutShort,
    change: withStream((made) => failing(made, 'finish')),
    want: AFTER,
  },
  {
    name: 'fault',
    answer: halves,
    change: withStream((made) => failing(made, 'fault')),
    want: BEFORE,
  },
  {
    name: 'fault, once frames are out',
    answer: halves,
    change: withStream((made) => failing(made, 'fault', 1)),
    want: AFTER,
  },
  {
    name: 'usage, with push',
    answer: halves,
    change: withStream((made) => failing(failing(made, 'usage'), 'push', 1)),
    want: AFTER,
  },
];

function hasEnded(t: TestContext, options: RoadOptions): Promise<Road> {
  const uncaught: unknown[] = [];
  const take = (fault: unknown) => uncaught.push(fault);
  process.on('unhandledRejection', take);
  t.after(() => {
    process.off('unhandledRejection', take);
    assert.deepEqual(uncaught, []);
  });
  return road(t, options);
}

for (const { name, answer, change, want } of CASES)
  test(`a translator that throws in ${name}: ${want}`, async (t) => {
    changedOnce(t, change);
    const {
      messages: ask,
      requestLine,
      provider,
      quiet,
    } = await hasEnded(t, {
      answers: [answer],
      keys: ['{ max_concurrent: 1 }'],
    });
    const body = message('x', { stream: true });
    const broken = await ask(body);
    assert.equal(broken.complete, true);
    assert.equal(broken.status, want === BEFORE ? 500 : 200);
    if (want === BEFORE) assert.equal(errorOf(broken).type, 'api_error');
    else assert.match(broken.text, /"one "[\s\S]*event: error\ndata: .*Internal error.*\n\n$/);
    assert.ok(!broken.text.includes('message_stop') && !broken.text.includes('a text that'));
    const line = await requestLine();
    assert.match(String(line.fault), /^Error < at fail /);
    assert.equal(line.level, 'error');
    await quiet();
    const next = ask(body);
    provider.next.push(whole);
    assert.equal((await next).status, 200, 'its place is free again');
  });

test('a translator that throws in json: a 500, settled once', async (t) => {
  changedOnce(t, (attempt) => failing(attempt, 'json'));
  const { messages: ask, requests } = await hasEnded(t, { answers: [completion('fine')] });
  const broken = await ask(message('x'));
  assert.deepEqual([broken.status, errorOf(broken).type], [500, 'api_error']);
  assert.equal((await ask(message('x'))).status, 200);
  await until(() => requests().length === 2);
});

test('a client that leaves a stream whose usage cannot be read: still settled', async (t) => {
  changedOnce(
    t,
    withStream((made) => failing(made, 'usage')),
  );
  const { open, requestLine } = await hasEnded(t, {
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one '));
      },
    ],
  });
  const live = open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await live.has('one ');
  live.hangUp();
  assert.equal((await requestLine()).status, 499);
});

/** More than all sockets on its way hold, and no end. */
const endless: Scripted = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let n = 0; n < 100; n++) response.write(delta('x'.repeat(100_000)));
};

for (const method of ['send', 'read', 'pause', 'resume'] as const)
  test(`a transport that throws in ${method}: that request ends, the next is served`, async (t) => {
    const given = await hasEnded(t, { answers: method === 'send' ? [] : [endless] });
    const { transport } = given.proxy.gateway;
    const { send } = transport;
    let paused = false;
    const mocked = t.mock.method(
      transport as { send: typeof send },
      'send',
      (request: UpstreamRequest) => {
        mocked.mock.restore();
        if (method === 'send') return fail();
        const call = transport.send(request);
        const watched = (answer: Answer): Answer => ({
          ...{ status: answer.status, headers: answer.headers },
          read: (sink) => answer.read(sink),
          resume: () => answer.resume(),
          pause() {
            paused = true;
            answer.pause();
          },
        });
        const answer = call.answer.then((answer) => failing(watched(answer), method));
        return { answer, abort: () => call.abort() };
      },
    );
    const live = given.open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
    if (method === 'pause' || method === 'resume') {
      await until(() => live.response !== undefined);
      live.response?.pause();
      if (method === 'resume') await until(() => paused);
      else await given.requestLine();
      live.response?.resume();
    }
    const { status, text } = await live.done;
    const begun = method === 'pause' || method === 'resume';
    assert.equal(status, begun ? 200 : 500);
    if (begun) assert.match(text.slice(-300), /event: error\ndata: .*Internal error.*\n\n$/);
    assert.match(String((await given.requestLine()).fault), /^Error < at fail /);
    assert.equal((await given.messages(message('x'))).status, 200);
  });

test('one that waits and fails in its turn stops nobody behind it', async () => {
  let room = false;
  const waiting = new Waiting(10, () => 1_000);
  const terms = { line: 'a', session: 's', class: 'main', deadlineMs: 60_000 } as const;
  const wait = (tryNow: () => number) => waiting.wait({ onAbort: null }, { ...terms, tryNow });
  const bad = wait(() => (room ? fail() : Number.POSITIVE_INFINITY));
  const good = wait(() => (room ? 0 : Number.POSITIVE_INFINITY));
  room = true;
  waiting.onRelease();
  await assert.rejects(async () => await bad, Injected);
  assert.equal(await good, 'let-in');
  assert.equal(waiting.depth, 0);
});

test('an answer that cannot be written: the client is hung up on, and all is settled', async (t) => {
  const { messages: ask, proxy, requests } = await hasEnded(t, {});
  const mocked = t.mock.method(ServerResponse.prototype, 'writeHead', () => {
    mocked.mock.restore();
    return fail();
  });
  assert.equal((await ask({})).status, 0);
  await until(() => requests().length === 1);
  const [line] = proxy.log.filter(({ msg }) => msg === 'request given up');
  assert.match(String(line?.fault), /^Error < at /);
  assert.equal((await ask(message('x'))).status, 200);
});
