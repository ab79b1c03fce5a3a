/** Every row of the error tables over real HTTP: who rests until when, and who is asked instead. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Lane } from '../lib/gateway.ts';
import { laneStanding } from '../lib/standing.ts';
import type { TestProxy } from './support/proxy.ts';
import { RESETS } from './support/refusals/cerebras.ts';
import { REFUSALS } from './support/refusals/index.ts';
import type { RefusalRow, Resting, Told } from './support/refusals/outcomes.ts';
import {
  ALONE,
  ask,
  type Heard,
  lanesOf,
  MANY,
  refusalOf,
  refusing,
  type Scene,
  SECRETS,
  staged,
} from './support/refusals/stage.ts';
import type { Start } from './support/scripted-upstream.ts';
import { until } from './support/upstream.ts';

/** Which lanes rest. */
const RESTING: Readonly<Record<Resting, RegExp>> = {
  nobody: /^$/,
  'key-model': /^one\/m$/,
  'org-model': /^(?:one|three)\/m$/,
  key: /^one\//,
  org: /^(?:one|three)\//,
  model: /\/m$/,
  provider: /./,
};

/** Who rests, and until when, is as the row says; `fromMs` is a moment before the refusal. */
function checkRests(row: RefusalRow, proxy: TestProxy, fromMs: number): void {
  const { gateway } = proxy;
  const nowMs = Date.now();
  for (const [name, lane] of lanesOf(proxy)) {
    const { state, bucket } = laneStanding(gateway, lane, nowMs);
    const rests = RESTING[row.rests].test(name);
    if (rests && nowMs >= endOf(row, fromMs)) continue; // a slow machine: it is over already
    assert.equal(state, rests ? stateOf(row) : 'ready', name);
    if (state !== 'cooling') continue;
    const untilMs = gateway.quotas.coolUntilMs(bucket, nowMs);
    const isIn = untilMs >= endOf(row, fromMs) && untilMs <= endOf(row, nowMs) + 1;
    assert.ok(isIn, `${name}: ${untilMs - fromMs} ms`);
  }
}

const stateOf = (row: RefusalRow): string => (row.until === 'disabled' ? 'disabled' : 'cooling');

/** The end of the rest where the refusal comes at `atMs`; NaN: there is none. */
function endOf({ until }: RefusalRow, atMs: number): number {
  if (until === 'disabled') return Number.NaN;
  return typeof until === 'number' ? atMs + until : until(atMs);
}

function checkTold(heard: Heard, told: Told): void {
  const { status, headers, body } = heard;
  assert.deepEqual([status, body.error?.type], [told.status, told.type], body.error?.message);
  assert.match(body.error?.message ?? '', told.text);
  assert.equal(headers.get('x-should-retry') ?? undefined, told.shouldRetry);
  const seconds = headers.get('retry-after');
  if (told.retryAfter === 'none') assert.equal(seconds, null);
  else if (told.retryAfter !== 'some') assert.equal(Number(seconds), told.retryAfter);
  else assert.ok(Number(seconds) >= 1 && Number(seconds) <= 59, `retry-after: ${seconds}`);
}

/** The health page about key `one`, which is the only one. */
async function checkHealth(row: RefusalRow, { proxy }: Scene, fromMs: number): Promise<void> {
  const answer = await fetch(`${proxy.url}/health`);
  const { providers } = (await answer.json()) as {
    providers: { keys: { state: string; reason?: string; until?: string }[] }[];
  };
  const { state, reason, until } = providers[0]?.keys[0] ?? {};
  if (row.rests === 'nobody') return assert.equal(state, 'ready');
  if (Date.now() >= endOf(row, fromMs)) return;
  assert.deepEqual([state, reason], [stateOf(row), row.reason]);
  const lane = lanesOf(proxy)[0]?.[1] as Lane;
  const { bucket } = laneStanding(proxy.gateway, lane, Date.now());
  const untilMs = proxy.gateway.quotas.coolUntilMs(bucket, Date.now());
  if (row.until === 'disabled') assert.equal(until, undefined);
  else assert.ok(Math.abs(Date.parse(until ?? '') - untilMs) <= 1, until);
}

describe('a refusal of one key of many', { concurrency: 6 }, () => {
  for (const row of REFUSALS)
    test(row.name, () =>
      staged(row, MANY, refusing(row), async (scene) => {
        const fromMs = Date.now();
        const heard = await ask(scene);
        const [first, ...others] = scene.upstream.starts.map(({ key }) => key);
        assert.equal(first, SECRETS.one);
        checkRests(row, scene.proxy, fromMs);
        if (row.goesOn === 'not') {
          assert.deepEqual(others, []);
          return checkTold(heard, row.told);
        }
        assert.equal(heard.status, 200);
        assert.equal(others.length, 1);
        assert.equal(others[0] === 'secret-of-q', row.goesOn === 'provider', others[0]);
        await checkUntouched(row, scene, fromMs);
      }),
    );
});

/** Whoever rests is not asked; whoever does not, is. */
async function checkUntouched(row: RefusalRow, scene: Scene, fromMs: number): Promise<void> {
  if (row.rests === 'nobody') return;
  const resting = RESTING[row.rests];
  for (let turn = 0; turn < 3; turn++) assert.equal((await ask(scene)).status, 200);
  for (const start of scene.upstream.starts.slice(1)) {
    const isOver = start.atMs >= endOf(row, fromMs);
    assert.ok(isOver || !resting.test(laneOf(start)), laneOf(start));
  }
}

/** `one/m`; `/m` where it is none of provider p. */
function laneOf({ key, model }: Start): string {
  const name = Object.entries(SECRETS).find(([, secret]) => secret === key)?.[0] ?? '';
  return name === '' ? '' : `${name}/${model}`;
}

describe('a refusal of the only key', { concurrency: 6 }, () => {
  for (const row of REFUSALS)
    test(row.name, () =>
      staged(row, ALONE, refusing(row), async (scene) => {
        const fromMs = Date.now();
        checkTold(await ask(scene), row.told);
        checkRests(row, scene.proxy, fromMs);
        await checkHealth(row, scene, fromMs);
        assert.equal(scene.upstream.starts.length, row.calls ?? 1);
      }),
    );
});

const COOLING = REFUSALS.filter(
  ({ rests, until: end }) => rests !== 'nobody' && end !== 'disabled',
);
/** Codes that share a row of the table share what happens after it. */
const ONE_OF_EACH = COOLING.filter(({ name }) => !/: \d+ 13(?:1[06789]|2\d) /.test(name));
/** What is learned of one key here holds for the other too, if no headers say it. */
const WIDE: readonly Resting[] = ['org', 'org-model', 'model', 'provider'];
const REST_MS = 80;
const CLIENTS = 20;

describe('after a cooldown: one probe, then the others', { concurrency: 6 }, () => {
  for (const row of ONE_OF_EACH)
    test(row.name, () => {
      const brief = { ...row, headers: { 'retry-after-ms': `${REST_MS}` } };
      const isWide = WIDE.includes(row.rests) && row.headers === undefined;
      const keys = isWide ? (['one', 'three'] as const) : (['one'] as const);
      return staged(
        row,
        { ...ALONE, keys, maxWait: '20s' },
        (_, nth) => (nth < 2 ? refusalOf(brief) : undefined),
        async (scene) => {
          const first = ask(scene);
          await until(() => scene.proxy.gateway.verdicts.size > 0);
          const others = Array.from({ length: CLIENTS - 1 }, () => ask(scene));
          const statuses = (await Promise.all([first, ...others])).map(({ status }) => status);
          assert.ok(statuses.every((status) => status === 200));
          checkProbes(scene.upstream.starts);
        },
        { goodAfterMs: 5 },
      );
    });
});

/** Two refusals, each followed by nothing for REST_MS; then one alone until it is answered. */
function checkProbes(starts: readonly Start[]): void {
  assert.equal(starts.length, CLIENTS + 2);
  const beforeGood = starts.filter(({ goodBefore }) => goodBefore === 0);
  assert.equal(beforeGood.length, 3);
  for (const [index, { atMs }] of beforeGood.entries()) {
    const before = beforeGood[index - 1];
    if (before !== undefined) assert.ok(atMs - before.atMs >= REST_MS, `${atMs - before.atMs} ms`);
  }
}

test('too many at once: half of what was in flight, the refused one counted', async () => {
  let release = () => {};
  const goodAfter = new Promise<void>((resolve) => {
    release = resolve;
  });
  const refusal = { status: 429, body: '{"error":{"code":"1302","message":"m"}}' };
  const script = (_: Start, nth: number) => (nth === 3 ? refusal : undefined);
  const act = async (scene: Scene) => {
    const { gateway } = scene.proxy;
    const answers = Array.from({ length: 4 }, () => ask(scene));
    await until(() => gateway.verdicts.size > 0);
    const lane = lanesOf(scene.proxy)[0]?.[1] as Lane;
    const learned = gateway.quotas.learnedConcurrency(lane.keyModelBucket);
    release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assert.deepEqual([learned, ...statuses], [2, 200, 200, 200, 200]);
  };
  await staged({ preset: 'zhipu' }, { ...ALONE, maxWait: '10s' }, script, act, { goodAfter });
});

test('a quota that refills all the time is probed before its reset, when there is room', () => {
  const body = '{"message":"Tokens per minute limit exceeded","code":"token_quota_exceeded"}';
  const script = (_: Start, nth: number) =>
    nth === 0 ? { status: 429, headers: RESETS, body } : undefined;
  const setting = { ...ALONE, maxWait: '10s' };
  return staged({ preset: 'cerebras' }, setting, script, async (scene) => {
    const { status, headers } = await ask(scene);
    assert.equal(status, 200); // the reset is in 11.5 s, longer than anyone may wait
    assert.equal(headers.get('x-cooldown-attempts'), '2');
  });
});

test('but not where the provider asks for a wait', () => {
  const body = '{"message":"Tokens per minute limit exceeded","code":"token_quota_exceeded"}';
  const headers = { ...RESETS, 'retry-after': '11' };
  const script = () => ({ status: 429, headers, body });
  return staged({ preset: 'cerebras' }, { ...ALONE, maxWait: '10s' }, script, async (scene) => {
    assert.equal((await ask(scene)).status, 429);
    assert.equal(scene.upstream.starts.length, 1);
  });
});
