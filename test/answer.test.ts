import assert from 'node:assert/strict';
import test from 'node:test';
import { notFound, pathOf } from '../lib/answer.ts';
import { errorHeaders } from '../lib/errors.ts';
import { message } from './support/http-client.ts';
import { road, TOKEN } from './support/road.ts';

for (const { url, want } of [
  { url: '/a/b', want: '/a/b' },
  { url: `/a?key=${TOKEN}`, want: '/a' },
  { url: '', want: '' },
  { url: `/${'x'.repeat(5_000)}`, want: `/${'x'.repeat(199)}` },
]) {
  test(`a path as it is shown: ${url.slice(0, 30)}`, () => assert.equal(pathOf(url), want));
}

test('a wrong method names the right ones', () => {
  const error = notFound('GET, HEAD', 'POST', '/health?x');
  assert.equal(error.message, '"/health" does not take POST, only GET, HEAD');
  assert.equal(errorHeaders(error).allow, 'GET, HEAD');
  assert.equal(notFound('', 'GET', '/x').message, 'There is no "/x" here');
});

test('every request leaves one line, probes of machines as a detail', async (t) => {
  const rig = await road(t);
  for (const { path, method, level, status, endpoint } of [
    { path: '/health', level: 'debug', status: 200 },
    { path: '/metrics', level: 'debug', status: 200 },
    { path: '/anthropic/v1/models', level: 'info', status: 200, endpoint: 'anthropic' },
    { path: '/openai/models', level: 'info', status: 200, endpoint: 'openai' },
    {
      path: '/anthropic/api/hello',
      method: 'HEAD',
      level: 'info',
      status: 200,
      endpoint: 'anthropic',
    },
    { path: `/nowhere?key=${TOKEN}`, level: 'info', status: 404 },
    { path: '/openai/models/x', level: 'info', status: 404, endpoint: 'openai' },
  ]) {
    const before = rig.requests().length;
    const answer = await rig.ask(path, { method: method ?? 'GET' });
    const lines = rig.requests().slice(before);
    assert.equal(lines.length, 1, path);
    const [line] = lines;
    assert.equal(line?.request_id, answer.headers['request-id']);
    assert.deepEqual(
      [line?.level, line?.status, line?.endpoint, line?.path, line?.method],
      [level, status, endpoint, path.split('?')[0], method ?? 'GET'],
    );
  }
});

test('a fault of our own is told without its text, and logged with where it was', async (t) => {
  const rig = await road(t);
  const { quotas } = rig.proxy.gateway;
  const { admissionOfPart } = quotas;
  quotas.admissionOfPart = () => {
    throw new TypeError('prompt-marker-77 is not iterable');
  };
  const answer = await rig.messages(message('x'));
  quotas.admissionOfPart = admissionOfPart;
  assert.equal(answer.status, 500);
  assert.ok(!answer.text.includes('iterable'));
  const line = await rig.requestLine();
  assert.deepEqual([line.level, line.status], ['error', 500]);
  assert.match(String(line.fault), /^TypeError < at .*answer\.test\.ts/);
  assert.equal((await rig.messages(message('x'))).status, 200, 'the next one is served');
});
