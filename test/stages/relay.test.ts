import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { chat, errorOf, eventsOf, message } from '../support/http-client.ts';
import { COMPLETION, road } from '../support/road.ts';
import { completion, DONE, delta, type Scripted, sse, stream } from '../support/scripted.ts';
import { until } from '../support/upstream.ts';

const EVENTS = { 'content-type': 'text/event-stream' };
const streamed = { stream: true };

function says(...frames: string[]): (then: (response: ServerResponse) => void) => Scripted {
  return (then) => (response) => {
    response.writeHead(200, EVENTS);
    response.write(frames.join(''));
    setTimeout(() => then(response), 20);
  };
}

/** Everything that can go wrong once content is out. The script must never be asked twice. */
const BREAKS: readonly { readonly name: string; readonly first: Scripted }[] = [
  { name: 'the connection dies', first: says(delta('one '))((response) => response.destroy()) },
  { name: 'the stream ends too early', first: says(delta('one '))((response) => response.end()) },
  {
    name: 'an error event comes',
    first: says(delta('one '))((response) =>
      response.end(sse({ error: { message: 'engine broke', code: 500 } })),
    ),
  },
  {
    name: 'nonsense comes',
    first: says(delta('one '))((response) => response.end('data: {"choices":[{{{\n\n')),
  },
];

for (const { name, first } of BREAKS) {
  test(`after the first content byte ${name}: an error is the last event`, async (t) => {
    const rig = await road(t, { keys: ['{}', '{}'], answers: [first, first] });
    const body = message('x', streamed);
    const anthropic = await rig.ask('/anthropic/v1/messages', { body });
    assert.equal(anthropic.status, 200);
    const events = eventsOf(anthropic.text);
    assert.equal(events.at(-1)?.name, 'error');
    assert.equal(JSON.parse(events.at(-1)?.data ?? '').error.type, 'api_error');
    assert.ok(!anthropic.text.includes('message_stop'));
    const openai = await rig.ask('/openai/chat/completions', { body: chat('x', streamed) });
    const last = eventsOf(openai.text).at(-1)?.data ?? '';
    assert.equal(typeof JSON.parse(last).error.message, 'string');
    assert.ok(!openai.text.includes('[DONE]'));
    assert.equal(rig.provider.received.length, 2, 'one attempt each');
    const line = await rig.requestLine();
    assert.deepEqual([line.status, line.level, line.attempts], [200, 'error', 1]);
    assert.match(String(line.error), /broke off/);
  });
}

/** Everything that is no answer, of a provider that does nothing else: what the client is told. */
const NO_ANSWERS: readonly {
  readonly name: string;
  readonly otherwise: Scripted;
  readonly says: RegExp;
  readonly status?: number;
}[] = [
  { name: 'a page', otherwise: { body: '<html><title>Hi</title></html>' }, says: /"p1".*Hi/ },
  { name: 'truncated JSON', otherwise: { body: `{"choices":["${COMPLETION}` }, says: /"p1"/ },
  { name: 'a list', otherwise: { body: '[]' }, says: /"p1"/ },
  { name: 'nothing', otherwise: { body: '' }, says: /"p1"/ },
  { name: 'an object of something else', otherwise: { body: '{}' }, says: /"p1"/ },
  { name: 'no HTTP', otherwise: (response) => response.socket?.end('hello\r\n'), says: /"p1"/ },
  { name: 'a closed connection', otherwise: (response) => response.destroy(), says: /"p1"/ },
  {
    name: 'half a body',
    otherwise: (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"choices":');
      setImmediate(() => response.destroy());
    },
    says: /"p1"/,
  },
  { name: '500', otherwise: { status: 500, body: 'engine broke' }, says: /"p1".*engine broke/ },
  { name: '504', otherwise: { status: 504, body: 'late' }, says: /"p1".*late/, status: 504 },
];

test('what is no answer becomes 502 or 504 that names the provider', {
  timeout: 60_000,
}, async (t) => {
  await Promise.all(
    NO_ANSWERS.map(async ({ name, otherwise, says: words, status = 502 }) => {
      for (const more of [{}, streamed]) {
        const rig = await road(t, { otherwise: [otherwise] });
        const answer = await rig.messages(message('x', more));
        // A client that speaks OpenAI gets an empty object as it is: it may be what it asked for.
        assert.equal(answer.status, status, `${name} ${JSON.stringify(more)}: ${answer.text}`);
        assert.equal(errorOf(answer).type, 'api_error', name);
        assert.match(errorOf(answer).message, words, name);
        assert.ok(!errorOf(answer).message.includes(COMPLETION), name);
      }
    }),
  );
});

test('a provider that is too slow: 504', async (t) => {
  const rig = await road(t, {
    otherwise: [() => {}],
    provider: '    timeouts: { first_byte: 40ms }',
  });
  const answer = await rig.messages(message('x'));
  assert.equal(answer.status, 504);
  assert.match(errorOf(answer).message, /"p1"/);
});

test('a stream that falls silent: an error event', async (t) => {
  const rig = await road(t, {
    answers: [says(delta('one '))(() => {})],
    provider: '    timeouts: { idle: 100ms }',
  });
  const { text } = await rig.messages(message('x', streamed));
  assert.equal(eventsOf(text).at(-1)?.name, 'error');
});

test('an empty answer is asked for once more, and then passed on', async (t) => {
  const empty = stream(delta(''), delta('', 'stop'), DONE);
  for (const { more, answers } of [
    { more: {}, answers: [completion(''), completion('')] },
    { more: streamed, answers: [empty, empty] },
  ]) {
    const rig = await road(t, { answers });
    const first = await rig.messages(message('x', more));
    assert.equal(first.status, 200);
    assert.match(first.text, /"stop_reason":"end_turn"/);
    assert.equal(rig.provider.received.length, 2);
    assert.equal(first.headers['x-cooldown-attempts'], '2');
  }
  const rig = await road(t, { answers: [completion(''), completion('now')] });
  assert.match((await rig.messages(message('x'))).text, /"now"/);
});

test('5,000 events pass in order, translated and as they are', async (t) => {
  const count = 5_000;
  const frames = Array.from({ length: count }, (_, n) => delta(`${n} `));
  const answer = stream(...frames, delta('', 'stop'), DONE);
  const rig = await road(t, { answers: [answer, answer] });
  const want = Array.from({ length: count }, (_, n) => `${n} `).join('');
  const anthropic = eventsOf((await rig.messages(message('x', streamed))).text);
  const words = anthropic.map(({ data }) => JSON.parse(data).delta?.text ?? '').join('');
  assert.equal(words, want);
  const openai = eventsOf((await rig.chat(chat('x', streamed))).text);
  const parts = openai.map(({ data }) =>
    data === '[DONE]' ? '' : (JSON.parse(data).choices[0]?.delta.content ?? ''),
  );
  assert.equal(parts.join(''), want);
});

test('20 MB go up and come down whole', async (t) => {
  const model = 'of-unknown-size';
  for (const dialect of ['messages', 'chat'] as const) {
    const big = 'x'.repeat(dialect === 'messages' ? 20_000_000 : 5_000_000);
    const rig = await road(t, { answers: [completion(big)], models: `[${model}]` });
    const body = dialect === 'chat' ? chat(big, { model }) : message(big, { model });
    const { status, text } = await rig[dialect](body);
    assert.equal(status, 200, text.slice(0, 200));
    assert.ok(text.includes(big));
    assert.ok(rig.provider.received[0]?.body.includes(big));
  }
});

test('a compressed answer that nobody asked for is read', async (t) => {
  const said = completion(COMPLETION);
  if (typeof said === 'function') throw new Error('a whole answer');
  const body = gzipSync(JSON.stringify(said.body));
  const rig = await road(t, { answers: [{ headers: { 'content-encoding': 'gzip' }, body }] });
  assert.ok((await rig.messages(message('x'))).text.includes(COMPLETION));
});

test('a client that does not read pauses its upstream', async (t) => {
  const frame = delta('x'.repeat(16_000));
  let written = 0;
  let finish = false;
  const rig = await road(t, {
    answers: [
      (response) => {
        response.writeHead(200, EVENTS);
        const more = (): void => {
          if (response.destroyed) return;
          while (!finish && response.write(frame)) written += frame.length;
          if (finish) response.end(delta('', 'stop') + DONE);
          else response.once('drain', more);
        };
        more();
      },
    ],
  });
  const live = rig.open('/anthropic/v1/messages', { body: message('x', streamed) });
  await until(() => live.response !== undefined);
  live.response?.pause();
  let seen = -1;
  let still = 0;
  await until(() => {
    still = written === seen ? still + 1 : 0;
    seen = written;
    return still > 40; // 200 ms without another byte
  });
  assert.ok(written < 64_000_000, `${written} bytes went into a client that does not read`);
  finish = true;
  live.response?.resume();
  assert.match((await live.done).text, /event: message_stop/);
});

test('the upstream connection is used again after a stream', async (t) => {
  const answer = stream(delta('one'), delta('', 'stop'), DONE);
  const rig = await road(t, { answers: [answer, answer] });
  const sockets = new Set<unknown>();
  rig.provider.next.length = 0;
  rig.provider.next.push(
    (response) => {
      sockets.add(response.socket);
      response.writeHead(200, EVENTS).end(delta('one') + delta('', 'stop') + DONE);
    },
    (response) => {
      sockets.add(response.socket);
      response.writeHead(200, EVENTS).end(delta('one') + delta('', 'stop') + DONE);
    },
  );
  for (let n = 0; n < 2; n++) await rig.messages(message('x', streamed));
  assert.equal(sockets.size, 1);
});

/** Bytes of heap and buffers that are still reachable. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  for (let times = 0; times < 2; times++) collect(); // the first may only end one that has begun
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const LARGE_TEXT_BYTES = 8_000_000;

for (const { path, body } of [
  { path: '/anthropic/v1/messages', body: message },
  { path: '/openai/chat/completions', body: chat },
]) {
  test(`while a stream runs nobody holds its request: ${path}`, async (t) => {
    let end = (): void => {};
    const rig = await road(t, {
      models: '[of-unknown-size]',
      answers: [
        (response, received) => {
          Object.assign(received, { body: '' });
          response.writeHead(200, EVENTS).write(delta('one'));
          end = () => response.end(delta('', 'stop') + DONE);
        },
      ],
    });
    const request = () =>
      JSON.stringify({ ...body('x'.repeat(LARGE_TEXT_BYTES), streamed), model: 'of-unknown-size' });
    const length = request().length;
    const client = connect(rig.proxy.port, '127.0.0.1').setEncoding('utf8');
    t.after(() => client.destroy());
    const before = heldBytes();
    client.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${length}\r\n\r\n`);
    client.write(request());
    let got = '';
    client.on('data', (text) => (got += text));
    await until(() => got.includes('"one"'));
    const grown = heldBytes() - before;
    assert.ok(grown < LARGE_TEXT_BYTES / 2, `${grown} bytes more than before`);
    end();
    await until(() => got.endsWith('0\r\n\r\n'));
  });
}
