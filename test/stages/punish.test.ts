import assert from 'node:assert/strict';
import test from 'node:test';
import { errorOf, message } from '../support/http-client.ts';
import { metricOf, PROMPT, road } from '../support/road.ts';
import type { Scripted } from '../support/scripted.ts';

const refusing = (status: number, error: object, headers = {}): Scripted => ({
  status,
  headers,
  body: { error },
});

test('an answer that does not fit is asked for once more, smaller', async (t) => {
  const text = 'Please reduce the length. Current length is 140000 while limit is 131072';
  const rig = await road(t, {
    models: '[of-unknown-size]',
    answers: [refusing(400, { message: text, code: 'context_length_exceeded' })],
  });
  const body = message('x', { model: 'of-unknown-size', max_tokens: 32_000 });
  const answer = await rig.messages(body);
  assert.equal(answer.status, 200, answer.text);
  const sent = rig.provider.received.map((each) => JSON.parse(each.body).max_tokens);
  assert.equal(sent[0], 32_000);
  const prompt = 140_000 - 32_000;
  assert.ok(sent[1] <= 131_072 - prompt && sent[1] > 20_000, String(sent[1]));
});

test('a prompt that does not fit is told at once', async (t) => {
  const text = 'Please reduce the length. Current length is 240000 while limit is 131072';
  const rig = await road(t, {
    models: '[of-unknown-size]',
    otherwise: [refusing(400, { message: text, code: 'context_length_exceeded' })],
  });
  const body = message('x', { model: 'of-unknown-size', max_tokens: 32_000 });
  const answer = await rig.messages(body);
  assert.equal(errorOf(answer).message, 'prompt is too long: 240000 tokens > 131072 maximum');
  assert.equal(rig.provider.received.length, 1);
});

test('what a provider quotes is told to the client, and logged by its code alone', async (t) => {
  const rig = await road(t, {
    answers: [refusing(400, { message: `I do not like "${PROMPT}"`, code: 'bad_words' })],
  });
  const answer = await rig.messages(message(PROMPT));
  assert.match(errorOf(answer).message, new RegExp(PROMPT));
  const line = await rig.requestLine();
  assert.match(String(line.error), /"p1" refused the request \(.*bad_words\)/);
});

test('each attempt that fails leaves a warning: who, why, until when', async (t) => {
  const rig = await road(t, {
    keys: ['{}', '{}'],
    answers: [refusing(429, { message: 'slow down' }, { 'retry-after': '30' })],
  });
  await rig.messages(message('x'));
  const line = rig.proxy.log.find(({ msg }) => msg === 'attempt failed');
  assert.equal(line?.level, 'warn');
  assert.equal(line.reason, 'rate_limit');
  assert.equal(line.request_id, (await rig.requestLine()).request_id);
  assert.ok(Date.parse(String(line.until)) > Date.now() + 20_000);
  const key = String(line.key);
  const counted = await metricOf(rig, 'cooldown_cooldowns_total');
  assert.deepEqual(counted, [`{provider="p1",key="${key}",reason="rate_limit"} 1`]);
});
