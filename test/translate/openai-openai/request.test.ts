/** Is an OpenAI request read right, and does it reach the provider as the client wrote it? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import {
  readChatRequest,
  readModelRequest,
  rewrite,
} from '../../../lib/translate/openai-openai/request.ts';

const MESSAGES = '"messages":[{"role":"user","content":"hi"}]';

for (const { name, body, message, param } of [
  { name: 'empty', body: '', message: /not valid JSON/ },
  { name: 'no JSON', body: '{"model":"x",', message: /not valid JSON \(at byte 13\)/ },
  { name: 'byte order mark', body: '\ufeff{"model":"x"}', message: /not valid JSON/ },
  { name: 'a list', body: '[]', message: /must be a JSON object/ },
  { name: 'nested 10,000 deep', body: `{"a":${'['.repeat(10_000)}`, message: /nested deeper/ },
  { name: 'no model', body: `{${MESSAGES}}`, message: /"model" is missing/, param: 'model' },
  { name: 'model a number', body: `{"model":1,${MESSAGES}}`, message: /"model"/, param: 'model' },
  { name: 'model null', body: `{"model":null,${MESSAGES}}`, message: /"model"/, param: 'model' },
  { name: 'model empty', body: `{"model":"",${MESSAGES}}`, message: /"model"/, param: 'model' },
  {
    name: 'the last model counts',
    body: `{"model":"x",${MESSAGES},"model":2}`,
    message: /"model"/,
    param: 'model',
  },
  {
    name: 'model too long',
    body: `{"model":"${'x'.repeat(257)}",${MESSAGES}}`,
    message: /256/,
    param: 'model',
  },
  {
    name: 'stream a string',
    body: `{"model":"x","stream":"true",${MESSAGES}}`,
    message: /"stream"/,
    param: 'stream',
  },
  { name: 'no messages', body: '{"model":"x"}', message: /"messages"/, param: 'messages' },
  {
    name: 'messages a string',
    body: '{"model":"x","messages":"hi"}',
    message: /must be an array/,
    param: 'messages',
  },
  {
    name: 'messages empty',
    body: '{"model":"x","messages":[ \n]}',
    message: /"messages" is empty/,
    param: 'messages',
  },
]) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => readChatRequest(Buffer.from(body)),
      (thrown) => {
        assert.ok(thrown instanceof GatewayError);
        assert.equal(thrown.code, 'INVALID_REQUEST');
        assert.match(thrown.message, message);
        assert.equal(thrown.details.param, param);
        return true;
      },
    );
  });
}

test('bytes that are no text are no model', () => {
  const body = Buffer.concat([Buffer.from('{"model":"x'), Buffer.from([0xff]), Buffer.from('"}')]);
  assert.throws(() => readModelRequest(body), GatewayError);
});

for (const { name, members, want } of [
  { name: 'nothing more', members: '', want: {} },
  { name: 'stream null', members: '"stream":null', want: { stream: false } },
  { name: 'stream', members: '"stream":true', want: { stream: true } },
  { name: 'old maximum', members: '"max_tokens":7', want: { maxTokens: 7 } },
  {
    name: 'the new maximum counts',
    members: '"max_tokens":7,"max_completion_tokens":9',
    want: { maxTokens: 9 },
  },
  {
    name: 'a maximum that is null',
    members: '"max_completion_tokens":null,"max_tokens":7',
    want: { maxTokens: 7 },
  },
  { name: 'a maximum of infinity', members: '"max_tokens":1e999', want: {} },
  { name: 'a maximum in words', members: '"max_tokens":"7"', want: {} },
  { name: 'the maximum of responses', members: '"max_output_tokens":5', want: { maxTokens: 5 } },
  {
    name: 'usage wanted',
    members: '"stream_options":{"x":1,"include_usage":true}',
    want: { includeUsage: true },
  },
  { name: 'usage not wanted', members: '"stream_options":{"include_usage":false}', want: {} },
  { name: 'no stream options', members: '"stream_options":null', want: {} },
]) {
  test(`read: ${name}`, () => {
    const tail = members === '' ? '' : `,${members}`;
    const bytes = Buffer.from(`{"mod\\u0065l":"gpt\\u002d4o",${MESSAGES}${tail}}`);
    const { model, stream, maxTokens, includeUsage, hasMessages } = readChatRequest(bytes);
    assert.deepEqual(
      { model, stream, maxTokens, includeUsage, hasMessages },
      {
        model: 'gpt-4o',
        stream: false,
        maxTokens: undefined,
        includeUsage: false,
        hasMessages: true,
        ...want,
      },
    );
  });
}

test('other paths need a model only', () => {
  const request = readModelRequest(Buffer.from('{"input":"text","model":"embed"}'));
  assert.equal(request.model, 'embed');
  assert.equal(request.hasMessages, false);
});

const OPTIONS = '"stream_options"';
const WITH_USAGE = `${OPTIONS}:{"include_usage":true}`;

for (const { name, body, upstream = 'up', addUsage = false, out } of [
  {
    name: 'only the model changes',
    body: '{ "t" : 1.50, "model":"x",\n"n":1e0,"big":12345678901234567890,"é":"\\u00e9" }',
    out: '{ "t" : 1.50, "model":"up",\n"n":1e0,"big":12345678901234567890,"é":"\\u00e9" }',
  },
  {
    name: 'every model changes, inner ones do not',
    body: '{"model":1,"mod\\u0065l":"y","m":{"model":"x"},"model":"x"}',
    out: '{"model":"up","mod\\u0065l":"up","m":{"model":"x"},"model":"up"}',
  },
  {
    name: 'a model that needs escapes',
    body: '{"model":"x"}',
    upstream: 'a"b',
    out: '{"model":"a\\"b"}',
  },
  {
    name: 'usage is added',
    body: '{"model":"x","stream":true }',
    addUsage: true,
    out: `{"model":"up","stream":true ,${OPTIONS}:{"include_usage":true}}`,
  },
  {
    name: 'without a stream it is not',
    body: '{"model":"x","stream":false}',
    addUsage: true,
    out: '{"model":"up","stream":false}',
  },
  {
    name: 'other stream options stay',
    body: `{${OPTIONS}:{ "obfuscate" : false },"stream":true,"model":"x"}`,
    addUsage: true,
    out: `{${OPTIONS}:{ "obfuscate" : false ,"include_usage":true},"stream":true,"model":"up"}`,
  },
  {
    name: 'no option yet',
    body: `{${OPTIONS}:{ },"stream":true,"model":"x"}`,
    addUsage: true,
    out: `{${OPTIONS}:{ "include_usage":true},"stream":true,"model":"up"}`,
  },
  {
    name: 'options that are null',
    body: `{"model":"x",${OPTIONS}:null,"stream":true}`,
    addUsage: true,
    out: `{"model":"up",${OPTIONS}:{"include_usage":true},"stream":true}`,
  },
  {
    name: 'usage refused by the client',
    body: `{"model":"x",${OPTIONS}:{"include_usage":false},"stream":true}`,
    addUsage: true,
    out: `{"model":"up",${OPTIONS}:{"include_usage":true},"stream":true}`,
  },
  {
    name: "options of another kind are the provider's to refuse",
    body: `{"model":"x",${OPTIONS}:"all","stream":true}`,
    addUsage: true,
    out: `{"model":"up",${OPTIONS}:"all","stream":true}`,
  },
  {
    name: 'twice given options',
    body: `{${OPTIONS}:null,"model":"x",${OPTIONS}:{"include_usage":false},"stream":true}`,
    addUsage: true,
    out: `{${WITH_USAGE},"model":"up",${WITH_USAGE},"stream":true}`,
  },
]) {
  test(`rewritten: ${name}`, () => {
    const request = readModelRequest(Buffer.from(body));
    assert.equal(rewrite(request, upstream, addUsage).toString(), out);
  });
}

test('where nothing changes the very bytes go out', () => {
  const bytes = Buffer.from(
    `{"model":"x","stream":true,${OPTIONS}:{"include_usage":true},${MESSAGES}}`,
  );
  assert.equal(rewrite(readChatRequest(bytes), 'x', true), bytes);
});
