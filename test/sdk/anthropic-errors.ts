/** Which errors do Anthropic clients raise, and what do they repeat? */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AnthropicSdk, clientOf, SDKS, saying } from './anthropic-sdks.ts';
import { chained, direct, quiet, type Rig, type RigOptions } from './rigs.ts';

const MAKERS: Readonly<Record<string, (options: RigOptions) => Promise<Rig>>> = {
  cerebras: (options) => direct('cerebras', options),
  zhipu: (options) => direct('zhipu', options),
  'anthropic/v1': (options) => chained('/v1', options),
};

interface Row {
  readonly name: string;
  /** Faults of the provider. */
  readonly fault?: string;
  /** Laid over the request's body; what clients send is not always what its type says. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly options?: RigOptions;
  readonly status: number;
  readonly type: string;
  readonly message: RegExp;
  readonly errorClass: (sdk: AnthropicSdk) => new (...args: never[]) => Error;
  /** `x-should-retry`; none by default. */
  readonly shouldRetry?: string;
  readonly retryAfter?: boolean;
  /** Ways on which it is tried; all by default. */
  readonly on?: readonly string[];
}

const LONG = 'x'.repeat(5_000);

const ROWS: readonly Row[] = [
  {
    name: 'messages missing',
    body: { messages: undefined },
    status: 400,
    type: 'invalid_request_error',
    message: /messages/,
    errorClass: ({ Anthropic }) => Anthropic.BadRequestError,
  },
  {
    name: 'model of the wrong type',
    body: { model: 7 },
    status: 400,
    type: 'invalid_request_error',
    message: /model: must be a string/,
    errorClass: ({ Anthropic }) => Anthropic.BadRequestError,
  },
  {
    name: 'a model that nobody serves',
    body: { model: 'no-such-model' },
    status: 404,
    type: 'not_found_error',
    message: /No provider found for model \\"no-such-model\\".*glm-4\.6, glm-4\.5-air/,
    errorClass: ({ Anthropic }) => Anthropic.NotFoundError,
  },
  {
    name: 'a body over the limit',
    body: { system: LONG },
    options: { config: 'server: { max_body_bytes: 2000 }' },
    status: 413,
    type: 'request_too_large',
    message: /2000 bytes/,
    errorClass: ({ tooLarge }) => tooLarge,
  },
  {
    name: 'no client token',
    options: { config: 'server: { api_key_required: true, auth_tokens: [another-token] }' },
    status: 401,
    type: 'authentication_error',
    message: /server\.auth_tokens/,
    shouldRetry: 'false',
    errorClass: ({ Anthropic }) => Anthropic.AuthenticationError,
  },
  {
    name: 'the only key rests longer than the client may wait',
    fault: '429:30',
    status: 429,
    type: 'rate_limit_error',
    message: /provider \\"(?:upstream|far)\\".*until 2/,
    retryAfter: true,
    errorClass: ({ Anthropic }) => Anthropic.RateLimitError,
  },
  {
    name: 'no money left',
    fault: '402',
    status: 429,
    type: 'rate_limit_error',
    message: /./,
    shouldRetry: 'false',
    errorClass: ({ Anthropic }) => Anthropic.RateLimitError,
    on: ['cerebras', 'zhipu'],
  },
  {
    name: 'the only key is refused',
    fault: '401*9',
    status: 502,
    type: 'api_error',
    message: /upstream\/one/,
    shouldRetry: 'false',
    errorClass: ({ Anthropic }) => Anthropic.InternalServerError,
    on: ['cerebras', 'zhipu'],
  },
  {
    name: 'the provider does not know the model',
    fault: '404model',
    status: 404,
    type: 'not_found_error',
    message: /model/i,
    errorClass: ({ Anthropic }) => Anthropic.NotFoundError,
  },
  {
    name: 'the prompt is too long for the provider',
    fault: '400ctx',
    status: 400,
    type: 'invalid_request_error',
    message: /prompt is too long: \d+ tokens > \d+ maximum/,
    errorClass: ({ Anthropic }) => Anthropic.BadRequestError,
  },
  {
    name: 'the provider is busy',
    fault: 'busy*9',
    status: 529,
    type: 'overloaded_error',
    message: /./,
    retryAfter: true,
    errorClass: ({ overloaded }) => overloaded,
  },
  {
    name: 'the provider never answers in time',
    fault: 'slow:9000*9',
    options: { provider: 'timeouts: { first_byte: 100ms }', maxWait: '5s' },
    status: 504,
    type: 'api_error',
    message: /./,
    errorClass: ({ timedOut }) => timedOut,
    on: ['cerebras'],
  },
  ...['500*9', 'cut*9', 'void*9', 'html*9'].map((fault) => ({
    name: `the provider fails every time: ${fault}`,
    fault,
    status: 502,
    type: 'api_error',
    message: /./,
    errorClass: ({ Anthropic }: AnthropicSdk) => Anthropic.InternalServerError,
    on: ['cerebras'],
  })),
];

interface ApiErrorLike extends Error {
  readonly status: number;
  readonly requestID: string;
  readonly headers: Headers;
  readonly error: { readonly error: { readonly type: string; readonly message: string } };
}

function assertError(thrown: unknown, sdk: AnthropicSdk, row: Row): true {
  assert.ok(thrown instanceof row.errorClass(sdk), String(thrown));
  const error = thrown as ApiErrorLike;
  assert.equal(error.status, row.status);
  assert.equal(error.error.error.type, row.type);
  assert.match(error.message, row.message);
  assert.match(error.requestID, /^req_/);
  assert.equal(error.headers.get('x-should-retry'), row.shouldRetry ?? null);
  assert.doesNotMatch(error.message, /key-one-secret|token-of-the-chain|another-token/);
  const after = Number(error.headers.get('retry-after'));
  if (row.retryAfter === true) assert.ok(after >= 1 && after <= 59, `retry-after ${after}`);
  return true;
}

// Most of the time of a failing request is waiting, so they fail side by side.
describe('errors', { concurrency: 8 }, () => {
  for (const row of ROWS) {
    for (const way of row.on ?? Object.keys(MAKERS)) {
      for (const sdk of SDKS) {
        test(`${sdk.name} ${way}: ${row.name}`, async () => {
          const ask = async (stream: boolean): Promise<void> => {
            const rig = await MAKERS[way]?.(row.options ?? {});
            assert.ok(rig);
            rig.simulator.fault(row.fault ?? '');
            const params = { ...saying('hello'), ...row.body, stream } as ReturnType<typeof saying>;
            const asked = clientOf(sdk, rig).messages.create(params);
            await assert.rejects(asked, (thrown) => assertError(thrown, sdk, row));
            await quiet(rig);
          };
          await Promise.all([ask(false), ask(true)]);
        });
      }
    }
  }

  for (const sdk of SDKS) {
    for (const [header, given] of [
      ['authorization', { authToken: 'right-token', apiKey: null }],
      [
        'x-api-key',
        { apiKey: null, authToken: null, defaultHeaders: { 'x-api-key': 'right-token' } },
      ],
    ] as const) {
      test(`${sdk.name}: the right token in ${header}`, async () => {
        const config = 'server: { api_key_required: true, auth_tokens: [other, right-token] }';
        const rig = await direct('cerebras', { config });
        const baseURL = `${rig.url}/anthropic`;
        const client = new sdk.Anthropic({ ...given, baseURL, maxRetries: 0 });
        const message = await client.messages.create(saying('hello'));
        assert.equal(message.stop_reason, 'end_turn');
        const { headers } = rig.simulator.log().at(-1) ?? {};
        assert.doesNotMatch(JSON.stringify(headers), /right-token/);
      });
    }

    test(`${sdk.name}: an own repeat waits as retry-after says, and succeeds`, async () => {
      const rig = await direct('cerebras');
      rig.simulator.fault('429:1');
      const message = await clientOf(sdk, rig, 1).messages.create(saying('hello'));
      assert.equal(message.stop_reason, 'end_turn');
      const [first, second, ...more] = rig.simulator.log();
      assert.deepEqual([first?.status, second?.status, more.length], [429, 200, 0]);
    });

    test(`${sdk.name}: a draining proxy finishes its streams, refuses what is new`, async () => {
      const rig = await direct('cerebras', { simulator: { tokensPerSecond: 100 } });
      const client = clientOf(sdk, rig);
      const short = { ...saying('demo: tokens 60'), max_tokens: 60 };
      // Two connections that stay open: one for the stream, one for the request that is refused.
      await Promise.all([1, 2].map(() => client.models.list()));
      const stream = client.messages.stream(short);
      await stream.emitted('connect');
      const closed = rig.proxies[0]?.close(20_000);
      await assert.rejects(client.messages.create(short), sdk.unavailable);
      const { stop_reason, usage } = await stream.finalMessage();
      assert.deepEqual([stop_reason, usage.output_tokens], ['end_turn', 60]);
      assert.equal(await closed, true);
    });

    test(`${sdk.name}: x-should-retry: false ends the SDK's own repeats`, async () => {
      const rig = await direct('cerebras');
      rig.simulator.fault('401*9');
      const asked = clientOf(sdk, rig, 2).messages.create(saying('hello'));
      await assert.rejects(asked, sdk.Anthropic.InternalServerError);
      assert.equal(rig.proxies[0]?.log.filter(({ msg }) => msg === 'request').length, 1);
    });

    for (const [way, make] of Object.entries(MAKERS)) {
      for (const fault of ['midstream:9', 'cutafter:9', 'network_error:9', 'nofinish']) {
        test(`${sdk.name} ${way}: ${fault} in a stream raises the SDK's error`, async () => {
          const rig = await make({});
          rig.simulator.fault(`${fault},${fault}`);
          const client = clientOf(sdk, rig);
          let deltas = 0;
          const read = async (): Promise<void> => {
            const stream = await client.messages.create({ ...saying('hello'), stream: true });
            for await (const { type } of stream) deltas += type === 'content_block_delta' ? 1 : 0;
          };
          const broken = (thrown: unknown): boolean => {
            assert.ok(thrown instanceof sdk.Anthropic.APIError, String(thrown));
            assert.equal(thrown.status, undefined);
            assert.match(JSON.stringify(thrown.error), /"type":"error".*"type":"api_error"/);
            return true;
          };
          await assert.rejects(read(), broken);
          assert.ok(deltas > 0, 'what came before was shown');
          await assert.rejects(client.messages.stream(saying('hello')).finalMessage(), broken);
          await quiet(rig);
          assert.equal(rig.simulator.stats().requests, 2, 'nothing is tried again');
        });
      }
    }
  }
});
