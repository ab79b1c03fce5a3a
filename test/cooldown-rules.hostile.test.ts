/** Refusals that make no sense, do not end, or are the caller's own fault, over real HTTP. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FIRST_REST_MS, MAX_ATTEMPTS } from '../lib/limits.ts';
import { laneStanding } from '../lib/standing.ts';
import { startProxy } from './support/proxy.ts';
import {
  ALONE,
  ask,
  lanesOf,
  MANY,
  type Scene,
  SECRETS,
  staged,
} from './support/refusals/stage.ts';
import { type Answer, type Start, scriptedUpstream } from './support/scripted-upstream.ts';

const GENERIC = { preset: 'generic' } as const;
const STATES = ['ready', 'cooling', 'disabled', 'pacing'] as const;

/** `one/m: state` of every lane that is not ready. */
function unready({ proxy }: Scene): string[] {
  return lanesOf(proxy).flatMap(([name, lane]) => {
    const { state } = laneStanding(proxy.gateway, lane, Date.now());
    assert.ok(STATES.includes(state));
    return state === 'ready' ? [] : [`${name}: ${state}`];
  });
}

const VALUES: readonly (readonly [name: string, value: string])[] = [
  ['negative', '-5'],
  ['a negative fraction', '-0.0001'],
  ['NaN', 'NaN'],
  ['infinite', 'Infinity'],
  ['1e300', '1e300'],
  ['hexadecimal', '0xff'],
  ['1970', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['1970 in RFC 3339', '1970-01-01T00:00:00Z'],
  ['the year 9999', 'Fri, 31 Dec 9999 23:59:59 GMT'],
  ['a month of 40 days', '2026-13-40T99:99:99Z'],
  ['empty', ''],
  ['a blank', ' '],
  ['a word', 'soon'],
  ['twelve nines', '999999999999'],
  ['10 KB of digits', '9'.repeat(10_240)],
  ['10 KB of text', 'x'.repeat(10_240)],
  ['10 KB of units', '1h'.repeat(5_120)],
  ['zero', '0'],
  ['Latin-1', '\u00e9\u00ff'],
];

const NAMES = [
  'retry-after',
  'retry-after-ms',
  'x-ratelimit-limit-requests-minute',
  'x-ratelimit-reset-requests-minute',
  'x-ratelimit-reset-tokens',
  'anthropic-ratelimit-tokens-reset',
];

/** Another key serves, and the refused one rests as after a 429 that says nothing. */
async function checkFirstRest(scene: Scene, model: string): Promise<void> {
  const { gateway } = scene.proxy;
  const fromMs = Date.now();
  const heard = await ask(scene, model);
  assert.equal(heard.status, 200);
  assert.notEqual(heard.headers.get('x-cooldown-key'), 'one');
  const [, lane] = lanesOf(scene.proxy).find(([name]) => name === `one/${model}`) ?? assert.fail();
  const { bucket } = laneStanding(gateway, lane, Date.now());
  const restMs = gateway.quotas.coolUntilMs(bucket, Date.now()) - fromMs;
  const passedMs = Date.now() - fromMs;
  assert.ok(restMs >= FIRST_REST_MS || passedMs >= FIRST_REST_MS, `${restMs} ms`);
  assert.ok(restMs <= FIRST_REST_MS + passedMs + 1, `${restMs} ms`);
}

describe('absurd headers', { concurrency: 4 }, () => {
  for (const [name, value] of VALUES)
    test(`of a 429: ${name}: as if it had none, for every header`, async () => {
      const models = NAMES.map((_, index) => `m${index}`);
      const script = ({ key, model }: Start): Answer | undefined => {
        const header = NAMES[models.indexOf(model)] ?? '';
        return key === SECRETS.one ? { status: 429, headers: { [header]: value } } : undefined;
      };
      await staged(GENERIC, { ...MANY, models }, script, async (scene) => {
        for (const model of models) await checkFirstRest(scene, model);
      });
    });

  for (const [name, value] of VALUES)
    test(`of a good answer: ${name}: changes nothing`, async () => {
      const body = '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}';
      const script = (_: Start, nth: number): Answer => {
        const header = NAMES[nth] ?? 'x-ratelimit-remaining-requests-day';
        return { status: 200, headers: { [header]: value }, body };
      };
      await staged(GENERIC, ALONE, script, async (scene) => {
        for (const _ of NAMES) assert.equal((await ask(scene)).status, 200);
        assert.deepEqual(unready(scene), []);
        assert.equal((await ask(scene)).status, 200);
        if (value !== '0') assert.deepEqual(unready(scene), []);
      });
    });
});

const BODIES: readonly (readonly [name: string, body: string | Buffer])[] = [
  ['nothing', ''],
  ['10 MB of text', 'x'.repeat(10 * 1_024 * 1_024)],
  ['10 MB of JSON', `{"error":{"message":"${'y'.repeat(10 * 1_024 * 1_024)}"}}`],
  ['lists in lists', '['.repeat(60_000)],
  ['objects in objects', '{"error":'.repeat(7_000)],
  ['errors in errors', `${'{"error":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
  ['a page', `<!doctype html><title>Oops</title>${'<p>'.repeat(10_000)}`],
  ['a list', '[]'],
  ['a list of errors', '[{"error":{"message":"listed"}}]'],
  ['a number', '42'],
  ['a large number', '1e999'],
  ['null', 'null'],
  ['a word in quotes', '"no"'],
  ['an error that is a number', '{"error":7}'],
  ['fields of the wrong type', '{"error":{"message":{"a":[1]},"code":[2],"type":3}}'],
  ['a prototype', '{"__proto__":{"message":"x"},"constructor":1}'],
  ['no UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0xf0, 0x9f])],
  ['control characters', '\u0000\u0007\u001b[31m\r\nx-evil: 1'],
  ['half a surrogate', '{"message":"\\ud800"}'],
];

describe('error bodies of any shape', { concurrency: 4 }, () => {
  for (const [name, body] of BODIES)
    test(name, async () => {
      for (const status of [429, 500, 400]) {
        const script = ({ key }: Start): Answer | undefined =>
          key === SECRETS.one ? { status, body } : undefined;
        await staged(GENERIC, MANY, script, async (scene) => {
          const fromMs = Date.now();
          const heard = await ask(scene);
          assert.equal(heard.status, status === 400 ? 400 : 200);
          const { message = '' } = heard.body.error ?? {};
          assert.ok(message.length <= 2_000, `${message.length} characters`);
          if (status === 400) assert.ok(message.length > 0);
          const isRested = Date.now() >= fromMs + FIRST_REST_MS;
          const resting = status === 429 && !isRested ? ['one/m: cooling'] : [];
          assert.deepEqual(unready(scene), resting);
          assert.equal((await ask(scene)).status, 200); // the next key is as good as ever
        });
      }
    });

  test('a compressed body that is none', async () => {
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
    const script = ({ key }: Start): Answer | undefined =>
      key === SECRETS.one ? { status: 429, headers, body: 'not gzip' } : undefined;
    await staged(GENERIC, MANY, script, async (scene) => {
      assert.equal((await ask(scene)).status, 200);
    });
  });
});

const CALLERS: readonly (readonly [status: number, body: string, told: number])[] = [
  [400, '{"error":{"message":"bad"}}', 400],
  [404, '{"error":{"message":"x","code":"model_not_found"}}', 404],
  [404, '', 404],
  [413, '', 413],
  [422, '{"detail":[{"msg":"field required"}]}', 400],
  [400, '{"error":{"message":"maximum context length is 5 tokens"}}', 400],
  [400, '{"error":{"message":"messages[1001] of [1302] is wrong","code":"invalid"}}', 400],
  [429, '{"error":{"message":"Request too large for m: Limit 10, Requested 20"}}', 429],
];

describe("a caller's own fault punishes nobody, however often it comes", { concurrency: 4 }, () => {
  for (const [status, body, told] of CALLERS)
    test(`${status} ${body}`, async () => {
      let isFaulty = true;
      const script = (): Answer | undefined => (isFaulty ? { status, body } : undefined);
      await staged(GENERIC, { ...MANY, q: false }, script, async (scene) => {
        for (let turn = 0; turn < 10; turn++) assert.equal((await ask(scene)).status, told);
        assert.deepEqual(unready(scene), []);
        isFaulty = false;
        assert.equal((await ask(scene)).status, 200);
        assert.deepEqual(unready(scene), []);
      });
    });
});

test('429 with retry-after 0 for ever, on every key: bounded calls, then a 429', async () => {
  const upstream = await scriptedUpstream(() => ({
    status: 429,
    headers: { 'retry-after': '0', 'retry-after-ms': '0' },
  }));
  const keys = Array.from({ length: 12 }, (_, index) => `secret-${index}`);
  const proxy = await startProxy(`
providers:
  - name: p
    preset: generic
    endpoint: ${upstream.url}/v1
    models: [m]
    load_balancing: { api_keys: [${keys.join(', ')}] }
limits: { queue: { max_wait: 1s } }
`);
  try {
    const scene = { proxy, upstream };
    const { status, headers } = await ask(scene);
    assert.deepEqual([status, upstream.starts.length], [429, MAX_ATTEMPTS]);
    assert.match(headers.get('retry-after') ?? '', /^[12]$/);
    const asked = upstream.starts.map(({ key }) => key);
    const endMs = Math.min(...upstream.starts.map(({ atMs }) => atMs)) + FIRST_REST_MS;
    const others = await Promise.all(Array.from({ length: 20 }, () => ask(scene)));
    assert.ok(others.every((heard) => heard.status === 429));
    // Whoever was asked before is not asked again before its rest is over.
    const later = upstream.starts.slice(MAX_ATTEMPTS).filter(({ atMs }) => atMs < endMs);
    assert.ok(later.every(({ key }) => !asked.includes(key)));
  } finally {
    await proxy.close();
    await upstream.close();
  }
});
