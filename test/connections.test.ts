/** Connections that are slow, early, or too many. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { DEADLINES } from '../lib/connections.ts';
import { chat, message } from './support/http-client.ts';
import { type RawClient, rawClient, rawGet, rawPost } from './support/raw-client.ts';
import { road } from './support/road.ts';
import { completion, DONE, delta, type Scripted, stream } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const CHAT = '/openai/chat/completions';
const MESSAGES = '/anthropic/v1/messages';
const BODY = JSON.stringify(chat('x'));
const POST = rawPost(CHAT, BODY);
const HEALTH = rawGet('/health');
const hang: Scripted = () => {};

/** Gives its answer when the test says so. */
function held(answer: Scripted): { answer: Scripted; give(): void; asked(): boolean } {
  let give: (() => void) | null = null;
  return {
    answer: (response, received) => {
      give = () => {
        if (typeof answer === 'function') answer(response, received);
        else response.writeHead(200, answer.headers).end(bodyOf(answer.body));
      };
    },
    give: () => give?.(),
    asked: () => give !== null,
  };
}

const bodyOf = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));

test('pipelined requests are answered in their order, JSON behind a slow stream too', async (t) => {
  const slow = held(stream(delta('first'), delta('', 'stop'), DONE));
  const { proxy, provider } = await road(t, { answers: [slow.answer, completion('second')] });
  const client = rawClient(
    proxy.port,
    rawPost(MESSAGES, message('x', { stream: true })) + POST + HEALTH,
  );
  await until(() => slow.asked() && provider.received.length === 2);
  assert.equal(client.text, '', 'nobody overtakes');
  slow.give();
  await client.has('"status":"ok"');
  assert.deepEqual(client.statuses, [200, 200, 200]);
  const places = ['first', 'message_stop', 'second', '"status":"ok"'].map((part) =>
    client.text.indexOf(part),
  );
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
  client.socket.destroy();
});

test('pipelined while the first one waits for room: in order as well', async (t) => {
  const slow = held(completion('one'));
  const { proxy } = await road(t, {
    answers: [slow.answer],
    keys: ['{ max_concurrent: 1 }'],
    config: 'limits: { queue: { max_wait: 60s } }',
  });
  const client = rawClient(proxy.port, POST + POST);
  await until(() => slow.asked() && proxy.gateway.waiting.depth === 1);
  slow.give();
  await until(() => client.statuses.length === 2);
  assert.deepEqual(client.statuses, [200, 200]);
  client.socket.destroy();
});

test('garbage behind a request that is being served: it has its answer, then the end', async (t) => {
  const slow = held(completion('one'));
  const { proxy } = await road(t, { answers: [slow.answer] });
  const client = rawClient(proxy.port, POST);
  await until(slow.asked);
  client.write('GARBAGE\r\n\r\n');
  client.write('more of it');
  slow.give();
  const text = await client.end();
  assert.deepEqual(client.statuses, [200, 400], text);
});

test('a client that is gone for good is noticed before the answer', async (t) => {
  const { proxy, provider, requestLine } = await road(t, { answers: [hang] });
  const client = rawClient(proxy.port, POST);
  await until(() => provider.received.length === 1);
  client.socket.destroy();
  assert.equal((await requestLine()).status, 499);
  await until(() => provider.received[0]?.cut === true);
});

test('a client that sends nothing more counts as gone, in the middle of a stream, too', async (t) => {
  const { proxy, provider } = await road(t, {
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one'));
      },
    ],
  });
  const client = rawClient(proxy.port, rawPost(CHAT, chat('x', { stream: true })));
  await client.has('one');
  client.socket.end();
  await until(() => provider.received[0]?.cut === true);
});

test('expect: 100-continue is answered, but not for a body that is too large', async (t) => {
  const { proxy } = await road(t, { config: 'server: { max_body_bytes: 2000 }' });
  const [head = ''] = rawPost(CHAT, BODY, 'expect: 100-continue\r\n').split('{');
  const client = rawClient(proxy.port, head);
  await client.has('100 Continue');
  client.write(BODY);
  await until(() => client.statuses.length === 2);
  assert.deepEqual(client.statuses, [100, 200]);
  client.socket.destroy();
  const large = rawPost(CHAT, 'x'.repeat(3_000), 'expect: 100-continue\r\n').replace(/x+$/, '');
  const refused = rawClient(proxy.port, large);
  await refused.end();
  assert.deepEqual(refused.statuses, [413], 'at once, and without having asked for the body');
});

const QUICK = { ...DEADLINES, headersMs: 300, bodyGraceMs: 300, discardMs: 200, checkMs: 50 };

test('slow senders: 2,000 connections are gone after the deadlines, an honest one is served', async (t) => {
  const { proxy } = await road(t, { proxy: { deadlines: QUICK } });
  const long = `content-length: 5000\r\n\r\n{"model":`;
  const starts = [
    { start: '' },
    { start: 'GET /health HTTP/1.1\r\nhost: localhost\r\nx: y', more: 'z' },
    { start: `POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\n${long}`, more: ' ' },
    { start: `POST /nothing HTTP/1.1\r\nhost: localhost\r\n${long}`, more: ' ' },
    {
      start: `POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n`,
    },
  ];
  const clients: { client: RawClient; more: string }[] = [];
  for (let n = 0; n < 2_000; n++) {
    const { start = '', more = '' } = starts[n % starts.length] ?? {};
    const client = rawClient(proxy.port, start);
    clients.push({ client, more });
    // More at once than the system queues come in again seconds later.
    if (n % 100 === 99) await once(client.socket, 'connect');
  }
  const trickle = setInterval(() => {
    for (const { client, more } of clients) if (!client.ended && more !== '') client.write(more);
  }, 100);
  t.after(() => clearInterval(trickle));
  const answer = await (await fetch(`${proxy.url}/health`)).json();
  assert.equal((answer as { status: string }).status, 'ok');
  await until(() => clients.every(({ client }) => client.ended));
  const told = new Set(clients.map(({ client }) => client.statuses.join()));
  assert.deepEqual([...told].sort(), ['404', '408']);
});

test('a slow sender that goes on is served, however long it takes', async (t) => {
  const { proxy } = await road(t, { proxy: { deadlines: QUICK } });
  const body = JSON.stringify(chat('x'.repeat(40_000)));
  const whole = rawPost(CHAT, body);
  const client = rawClient(proxy.port);
  const step = Math.ceil(whole.length / 40);
  for (let at = 0; at < whole.length; at += step) {
    client.write(whole.slice(at, at + step));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await client.has('"finish_reason"');
  assert.deepEqual(client.statuses, [200], 'twice the grace, at a good rate');
  client.socket.destroy();
});
