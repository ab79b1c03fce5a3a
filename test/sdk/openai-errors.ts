/** Which errors do OpenAI clients raise, and what is left when they go away? */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { until } from '../support/upstream.ts';
import { clientOf, saying } from './openai-sdk.ts';
import { direct, quiet, type RigOptions } from './rigs.ts';

type ErrorClass = new (...args: never[]) => Error;

interface Row {
  readonly name: string;
  readonly fault?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly config?: string;
  readonly errorClass: ErrorClass;
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param?: string;
  readonly message: RegExp;
  readonly retryAfter?: boolean;
  readonly shouldRetry?: string;
}

const ROWS: readonly Row[] = [
  {
    name: 'messages missing',
    body: { messages: undefined },
    errorClass: OpenAI.BadRequestError,
    status: 400,
    type: 'invalid_request_error',
    code: null,
    param: 'messages',
    message: /messages/,
  },
  {
    name: 'a model that nobody serves',
    body: { model: 'no-such-model' },
    errorClass: OpenAI.NotFoundError,
    status: 404,
    type: 'not_found_error',
    code: 'model_not_found',
    param: 'model',
    message: /No provider found for model "no-such-model".*glm-4\.6/,
  },
  {
    name: 'a body over the limit',
    body: { user: 'x'.repeat(5_000) },
    config: 'server: { max_body_bytes: 2000 }',
    errorClass: OpenAI.APIError,
    status: 413,
    type: 'invalid_request_error',
    code: 'request_too_large',
    message: /2000 bytes/,
  },
  {
    name: 'no client token',
    config: 'server: { api_key_required: true, auth_tokens: [another-token] }',
    errorClass: OpenAI.AuthenticationError,
    status: 401,
    type: 'authentication_error',
    code: 'invalid_api_key',
    message: /server\.auth_tokens/,
    shouldRetry: 'false',
  },
  {
    name: 'the only key rests longer than the client may wait',
    fault: '429:30',
    errorClass: OpenAI.RateLimitError,
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    message: /provider "upstream".*until 2/,
    retryAfter: true,
  },
  {
    name: 'no money left',
    fault: '402',
    errorClass: OpenAI.RateLimitError,
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: /./,
    shouldRetry: 'false',
  },
  {
    name: 'the only key is refused',
    fault: '401*9',
    errorClass: OpenAI.InternalServerError,
    status: 502,
    type: 'server_error',
    code: 'provider_auth_failed',
    message: /upstream\/one/,
    shouldRetry: 'false',
  },
  {
    name: 'the provider refuses a parameter',
    body: { temperature: 9 },
    errorClass: OpenAI.BadRequestError,
    status: 400,
    type: 'invalid_request_error',
    code: null,
    message: /temperature/,
  },
  {
    name: 'the prompt is too long for the provider',
    fault: '400ctx',
    errorClass: OpenAI.BadRequestError,
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    message: /prompt is too long: \d+ tokens > \d+ maximum/,
  },
  {
    name: 'the provider does not know the model',
    fault: '404model',
    errorClass: OpenAI.NotFoundError,
    status: 404,
    type: 'not_found_error',
    code: 'model_not_found',
    message: /model/i,
  },
  {
    name: 'the provider is busy: 503, since no OpenAI client knows 529',
    fault: 'busy*9',
    errorClass: OpenAI.InternalServerError,
    status: 503,
    type: 'server_error',
    code: 'overloaded',
    message: /./,
    retryAfter: true,
  },
  {
    name: 'the provider fails every time',
    fault: '500*9',
    errorClass: OpenAI.InternalServerError,
    status: 502,
    type: 'server_error',
    code: 'upstream_error',
    message: /./,
  },
];

function assertError(thrown: unknown, row: Row): true {
  assert.ok(thrown instanceof row.errorClass, String(thrown));
  assert.ok(thrown instanceof OpenAI.APIError);
  assert.equal(thrown.status, row.status);
  assert.equal(thrown.type, row.type);
  assert.equal(thrown.code, row.code);
  assert.equal(thrown.param, row.param ?? null);
  assert.match(thrown.message, row.message);
  assert.match(thrown.requestID ?? '', /^req_/);
  assert.equal(thrown.headers?.get('x-should-retry'), row.shouldRetry ?? null);
  assert.doesNotMatch(thrown.message, /key-one-secret|another-token/);
  const after = Number(thrown.headers?.get('retry-after'));
  if (row.retryAfter === true) assert.ok(after >= 1 && after <= 59, `retry-after ${after}`);
  return true;
}

const DIALECTS = ['cerebras', 'zhipu'] as const;

/** An answer that would take minutes, by a key that serves one at a time. */
const ENDLESS: RigOptions = {
  simulator: { tokensPerSecond: 100 },
  key: 'max_concurrent: 1',
  maxWait: '20s',
};

// Side by side: most of the time of a failing request is waiting.
describe('errors and aborts', { concurrency: 8 }, () => {
  for (const dialect of DIALECTS) {
    for (const row of ROWS) {
      for (const stream of [false, true]) {
        test(`${dialect}: ${row.name}, stream: ${stream}`, async () => {
          const { config } = row;
          const rig = await direct(dialect, config === undefined ? {} : { config });
          rig.simulator.fault(row.fault ?? '');
          const body = { ...saying('hello'), ...row.body, stream };
          const asked = clientOf(rig).chat.completions.create(body);
          await assert.rejects(asked, (thrown) => assertError(thrown, row));
          await quiet(rig);
        });
      }
    }

    for (const fault of ['midstream:9', 'cutafter:9', 'network_error:9', 'nofinish']) {
      test(`${dialect}: ${fault} in a stream raises the SDK's error`, async () => {
        const rig = await direct(dialect);
        rig.simulator.fault(fault);
        let chunks = 0;
        const read = async (): Promise<void> => {
          const body = { ...saying('hello'), stream: true } as const;
          for await (const _ of await clientOf(rig).chat.completions.create(body)) chunks += 1;
        };
        await assert.rejects(read(), (thrown) => {
          assert.ok(thrown instanceof OpenAI.APIError, String(thrown));
          assert.equal(thrown.code, 'upstream_error');
          assert.equal(thrown.status, undefined);
          return true;
        });
        assert.ok(chunks > 0, 'what came before was shown');
        await quiet(rig);
        assert.equal(rig.simulator.stats().requests, 1, 'nothing is tried again');
      });
    }

    test(`${dialect}: leaving a stream closes the upstream and frees the slot`, async () => {
      const rig = await direct(dialect, ENDLESS);
      const { completions } = clientOf(rig).chat;
      const body = saying('demo: tokens 9000');
      for await (const _ of await completions.create({ ...body, stream: true })) break;
      const controller = new AbortController();
      const { signal } = controller;
      for await (const _ of await completions.create({ ...body, stream: true }, { signal })) {
        controller.abort();
      }
      const helper = completions.stream(body);
      helper.once('chunk', () => helper.abort());
      await assert.rejects(helper.done(), OpenAI.APIUserAbortError);
      await quiet(rig);
      assert.deepEqual(
        rig.simulator.log().map(({ outcome }) => outcome),
        ['gone', 'gone', 'gone'],
      );
    });

    test(`${dialect}: a signal before a JSON answer`, async () => {
      const rig = await direct(dialect, { ...ENDLESS, simulator: { firstTokenMs: 60_000 } });
      const controller = new AbortController();
      const { signal } = controller;
      const asked = clientOf(rig).chat.completions.create(saying('hello'), { signal });
      const rejected = assert.rejects(asked, OpenAI.APIUserAbortError);
      await until(() => rig.simulator.stats().inFlight === 1);
      controller.abort();
      await rejected;
      await quiet(rig);
      assert.equal(rig.simulator.log()[0]?.outcome, 'gone');
    });

    test(`${dialect}: what the provider does not have is a JSON error too`, async () => {
      const rig = await direct(dialect);
      const asked = clientOf(rig).responses.create({ model: 'glm-4.6', input: 'hello' });
      await assert.rejects(asked, (thrown) => {
        assert.ok(thrown instanceof OpenAI.NotFoundError);
        assert.equal(typeof thrown.type, 'string');
        return true;
      });
    });
  }

  test('the right token lets the client in and stays here', async () => {
    const config = 'server: { api_key_required: true, auth_tokens: [other, a-client-token] }';
    const rig = await direct('cerebras', { config });
    await clientOf(rig).chat.completions.create(saying('hello'));
    const { headers } = rig.simulator.log().at(-1) ?? {};
    assert.doesNotMatch(JSON.stringify(headers), /a-client-token/);
  });

  test('an own repeat of the SDK waits as retry-after says, and succeeds', async () => {
    const rig = await direct('cerebras');
    rig.simulator.fault('429:1');
    const { completions } = clientOf(rig).chat;
    const answer = await completions.create(saying('hello'), { maxRetries: 1 });
    assert.equal(answer.choices[0]?.finish_reason, 'stop');
    assert.equal(rig.simulator.stats().requests, 2);
  });
});
