import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { chat, errorOf, message } from './support/http-client.ts';
import { road, TOKEN } from './support/road.ts';
import { DONE, delta } from './support/scripted.ts';
import { until } from './support/upstream.ts';

test('unknown paths are 404, wrong methods 405, in the words of their prefix', async (t) => {
  const { ask, requests, proxy } = await road(t);
  for (const { method, path, status, type, allow } of [
    { method: 'GET', path: '/', status: 404, type: 'not_found_error' },
    { method: 'GET', path: '/nothing/here?a=b', status: 404, type: 'not_found_error' },
    { method: 'GET', path: '/anthropic/v2', status: 404, type: 'not_found_error' },
    { method: 'GET', path: '/anthropicx', status: 404, type: 'not_found_error' },
    { method: 'POST', path: '/anthropic/v1/complete', status: 404, type: 'not_found_error' },
    {
      method: 'PUT',
      path: '/health',
      status: 405,
      type: 'invalid_request_error',
      allow: 'GET, HEAD',
    },
    {
      method: 'DELETE',
      path: '/anthropic/v1/messages',
      status: 405,
      type: 'invalid_request_error',
      allow: 'POST',
    },
    { method: 'GET', path: '/openai', status: 404, type: 'not_found_error' },
    {
      method: 'GET',
      path: '/openai/chat/completions',
      status: 405,
      type: 'invalid_request_error',
      allow: 'POST',
    },
    {
      method: 'POST',
      path: '/openai/v1/models',
      status: 405,
      type: 'invalid_request_error',
      allow: 'GET, HEAD',
    },
  ]) {
    const { headers, text, ...answer } = await ask(path, { method });
    assert.equal(answer.status, status, `${method} ${path}`);
    assert.equal(headers.allow, allow);
    assert.equal(headers['content-type'], 'application/json');
    const requestId = headers['request-id'] as string;
    assert.match(requestId, /^req_[A-Za-z0-9]{20}$/);
    const body = JSON.parse(text);
    assert.equal(body.error.type, type);
    assert.match(body.error.message, new RegExp(`"${path.split('?')[0]}"`));
    const isOpenai = path.startsWith('/openai');
    const keys = isOpenai ? ['error'] : ['error', 'request_id', 'type'];
    assert.deepEqual(Object.keys(body).sort(), keys);
    const line = requests().find(({ request_id }) => request_id === requestId);
    assert.equal(line?.status, status);
    assert.equal(line?.method, method);
    assert.equal(line?.path, path.split('?')[0]);
    const endpoint = /^\/(anthropic|openai)\b/.exec(path.replace('cx', ''))?.[1];
    assert.equal(line?.endpoint, path === '/anthropicx' ? undefined : endpoint);
  }
  const { text } = await ask('/metrics');
  const counted = '{endpoint="anthropic",provider="",model="other",status="404"} 2';
  assert.ok(text.includes(`cooldown_requests_total${counted}`), text);
  assert.equal(proxy.log.filter(({ msg }) => msg === 'request refused').length, 0);
});

test('a HEAD that is refused has the headers of the error and no body', async (t) => {
  const { ask } = await road(t);
  const { status, text, headers } = await ask('/nothing', { method: 'HEAD' });
  assert.deepEqual([status, text], [404, '']);
  assert.ok(Number(headers['content-length']) > 0);
});

const GUARDED = `
server:
  api_key_required: true
  auth_tokens: [${TOKEN}, other-token]
  allowed_origins: ["https://app.example.com"]
`;

test('client tokens: the table of SURFACE §2, in both dialects', async (t) => {
  const {
    ask,
    messages,
    chat: complete,
    provider,
    requestLine,
  } = await road(t, { config: GUARDED });
  const wrong = { authorization: 'Bearer nope', 'x-api-key': 'nope' };
  for (const { name, headers, right } of [
    { name: 'none', headers: {}, right: false },
    { name: 'bearer', headers: { authorization: `Bearer ${TOKEN}` }, right: true },
    { name: 'any case', headers: { authorization: `bEARER ${TOKEN}` }, right: true },
    { name: 'two blanks', headers: { authorization: `Bearer  ${TOKEN}` }, right: true },
    { name: 'second token', headers: { authorization: 'Bearer other-token' }, right: true },
    { name: 'key', headers: { 'x-api-key': TOKEN }, right: true },
    { name: 'no scheme', headers: { authorization: TOKEN }, right: false },
    { name: 'basic', headers: { authorization: `Basic ${TOKEN}` }, right: false },
    { name: 'prefix of it', headers: { 'x-api-key': TOKEN.slice(0, -1) }, right: false },
    { name: 'empty', headers: { 'x-api-key': '', authorization: 'Bearer ' }, right: false },
    { name: 'both wrong', headers: wrong, right: false },
    { name: 'key right', headers: { ...wrong, 'x-api-key': TOKEN }, right: true },
    {
      name: 'bearer right',
      headers: { ...wrong, authorization: `Bearer ${TOKEN}` },
      right: true,
    },
  ] as { name: string; headers: Record<string, string>; right: boolean }[]) {
    const [anthropic, openai] = [
      await messages(message('x'), headers),
      await complete(chat('x'), headers),
    ];
    for (const answer of [anthropic, openai]) {
      assert.equal(answer.status, right ? 200 : 401, name);
      if (right) continue;
      assert.equal(errorOf(answer).type, 'authentication_error');
      assert.equal(answer.headers['x-should-retry'], 'false');
    }
  }
  const sent = provider.received.map(({ headers }) => JSON.stringify(headers)).join();
  assert.ok(!sent.includes(TOKEN) && !sent.includes('other-token'), 'never forwarded');
  assert.equal((await requestLine()).status, 401);
  for (const path of ['/anthropic/v1/models', '/openai/models', '/anthropic']) {
    assert.equal((await ask(path)).status, 401, path);
  }
  for (const path of ['/health', '/metrics']) assert.equal((await ask(path)).status, 200, path);
});

test('web pages: a foreign Origin or Host is 403, an allowed one gets CORS headers', async (t) => {
  const { ask, proxy } = await road(t, {
    config: 'server: { allowed_origins: ["https://app.example.com"] }',
  });
  const port = String(proxy.port);
  for (const { headers, status } of [
    { headers: { origin: 'https://evil.example.com' }, status: 403 },
    { headers: { origin: 'null' }, status: 403 },
    { headers: { origin: 'https://app.example.com.evil.com' }, status: 403 },
    { headers: { origin: 'https://APP.example.com' }, status: 200 },
    { headers: { host: 'evil.example.com' }, status: 403 },
    { headers: { host: `rebound.example.com:${port}` }, status: 403 },
    { headers: { host: '127.0.0.1.evil.com' }, status: 403 },
    { headers: { host: `localhost:${port}` }, status: 200 },
    { headers: { host: `[::1]:${port}` }, status: 200 },
    { headers: { host: '127.0.0.1' }, status: 200 },
  ] as { headers: Record<string, string>; status: number }[]) {
    for (const path of ['/anthropic/v1/models', '/openai/models', '/health']) {
      const answer = await ask(path, { headers });
      assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}`);
      if (status === 403) assert.equal(errorOf(answer).type, 'permission_error');
      const { origin } = headers;
      const allowed = status === 200 ? origin : undefined;
      assert.equal(answer.headers['access-control-allow-origin'], allowed);
    }
  }
});

test('a preflight is answered with what the browser asked for', async (t) => {
  const config = GUARDED;
  const { ask } = await road(t, { config });
  const headers = {
    origin: 'https://app.example.com',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  const answer = await ask('/anthropic/v1/messages', { method: 'OPTIONS', headers });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['access-control-allow-origin'], headers.origin);
  assert.equal(answer.headers['access-control-allow-headers'], 'authorization,content-type');
  assert.match(String(answer.headers['access-control-allow-methods']), /\bPOST\b/);
  assert.equal((await ask('/anthropic', { method: 'OPTIONS' })).status, 401);
});

/** Writes bytes on a plain connection, and reads all until it is closed. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

test('what is not HTTP gets one error and the end of the connection', async (t) => {
  const { proxy } = await road(t);
  for (const { bytes, status } of [
    { bytes: 'hello\r\n\r\n', status: 400 },
    { bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400 }, // no Host
    { bytes: `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, status: 431 },
  ]) {
    const text = await raw(proxy.port, bytes);
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), bytes.slice(0, 40));
    assert.match(text, /\r\nconnection: close\r\n/i);
  }
});

test('draining: streams finish, new requests get a 503, then connections close', async (t) => {
  let finish = () => {};
  const { proxy, open } = await road(t, {
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one '));
        finish = () => response.end(delta('two', 'stop') + DONE);
      },
    ],
  });
  const idle = connect(proxy.port, '127.0.0.1');
  const said: string[] = [];
  idle.setEncoding('utf8').on('data', (piece: string) => said.push(piece));
  idle.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => said.join('').includes('"status":"ok"'));
  const live = open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await live.has('one ');
  const drained = proxy.close(5_000);
  const head =
    'POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}';
  idle.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => said.join('').includes('"status":"draining"'));
  idle.write(head);
  await new Promise((resolve) => idle.once('close', resolve));
  const text = said.join('');
  assert.match(text, /HTTP\/1\.1 503 [\s\S]*"status":"draining"/);
  assert.match(text, /HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*"overloaded_error"/i);
  assert.match(text.slice(text.indexOf('draining')), /\r\nretry-after: 1\r\n/);
  finish();
  const answer = await live.done;
  assert.match(answer.text, /event: message_stop/);
  assert.equal(await drained, true);
});

test('draining: a connection that was taken before it gets its first request served', async (t) => {
  const { proxy } = await road(t);
  const early = connect(proxy.port, '127.0.0.1');
  await new Promise((resolve) => early.once('connect', resolve));
  assert.equal((await fetch(`${proxy.url}/health`)).status, 200); // it has been taken by now
  let said = '';
  early.setEncoding('utf8').on('data', (piece: string) => {
    said += piece;
  });
  const drained = proxy.close(60_000);
  const body = JSON.stringify(message('x'));
  const head = `POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}`;
  early.write(`${head}\r\n\r\n${body}`);
  await new Promise((resolve) => early.once('close', resolve));
  assert.match(said, /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*end_turn/i);
  assert.equal(await drained, true);
});

test('draining does not wait long for a connection that says nothing', async (t) => {
  const { proxy } = await road(t);
  const silent = connect(proxy.port, '127.0.0.1');
  await new Promise((resolve) => silent.once('connect', resolve));
  assert.equal((await fetch(`${proxy.url}/health`)).status, 200);
  assert.equal(await proxy.close(60_000), true);
  await new Promise((resolve) => silent.once('close', resolve));
});

test('draining waits for a client that reads its last bytes slowly', async (t) => {
  const big = 'x'.repeat(8_000_000);
  const { proxy, open, requestLine } = await road(t, {
    answers: [{ body: { choices: [{ message: { content: big }, finish_reason: 'stop' }] } }],
  });
  const live = open('/openai/chat/completions', { body: chat('x') });
  await until(() => live.response !== undefined);
  live.response?.pause();
  assert.equal((await requestLine()).status, 200);
  const drained = proxy.close(5_000);
  live.response?.resume();
  const answer = await live.done;
  assert.equal(answer.complete, true);
  assert.ok(answer.text.includes(big));
  assert.equal(await drained, true);
});

test('a drain that takes too long cuts: streams get an error event, others a 503', async (t) => {
  const { proxy, open, requests } = await road(t, {
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one '));
      },
      () => {},
    ],
  });
  const stream = open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await stream.has('one ');
  const json = open('/openai/chat/completions', { body: chat('x') });
  await until(() => proxy.gateway.quotas.inFlight(proxy.gateway.providers[0]!.bucket) === 2);
  assert.equal(await proxy.close(20), false);
  const cut = await stream.done;
  assert.match(cut.text, /event: error\ndata: .*"overloaded_error".*\n\n$/);
  assert.ok(!cut.text.includes('message_stop'));
  const { status, text, headers } = await json.done;
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  assert.equal(JSON.parse(text).error.code, 'draining');
  await until(() => requests().length === 2);
  assert.deepEqual(
    requests()
      .map(({ status }) => status)
      .sort(),
    [200, 503],
  );
  for (const { error } of requests()) assert.match(String(error), /shutting down/);
});

test('cut() ends a drain at once, also for those who wait for room', async (t) => {
  const { proxy, open, requests } = await road(t, {
    answers: [() => {}],
    keys: ['{ max_concurrent: 1 }'],
    config: 'limits: { queue: { max_wait: 60s } }',
  });
  const live = open('/openai/chat/completions', { body: chat('x') });
  const waiting = open('/openai/chat/completions', { body: chat('x') });
  await until(() => proxy.gateway.waiting.depth === 1);
  const drained = proxy.close(60_000);
  proxy.server.cut();
  assert.equal(await drained, false);
  assert.deepEqual([(await live.done).status, (await waiting.done).status], [503, 503]);
  await until(() => requests().length === 2);
  assert.deepEqual(
    requests().map(({ status }) => status),
    [503, 503],
  );
});
