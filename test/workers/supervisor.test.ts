/** Real threads behind one port, through real HTTP. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Gateway } from '../../lib/gateway.ts';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import {
  type Answered,
  ask,
  chat,
  type Live,
  open as openRequest,
} from '../support/http-client.ts';
import { folder, program } from '../support/program.ts';
import { DONE, delta, type Scripted, scripted } from '../support/scripted.ts';
import { NEEDS_THREADS, threadOf, threads } from '../support/threads.ts';
import { until } from '../support/upstream.ts';

const PATH = '/openai/chat/completions';
const ALL = 0 as Bucket; // the global bucket is the first of the table
const STREAM = chat('x', { stream: true });

/** A provider whose streams begin, and end when they are let go. */
async function streaming(t: TestContext, otherwise?: Scripted) {
  const open: ServerResponse[] = [];
  const provider = await scripted(
    [],
    otherwise ??
      ((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one '));
        open.push(response);
      }),
  );
  t.after(() => provider.close());
  /** Ends the oldest. */
  const finish = () => open.shift()?.end(delta('two', 'stop') + DONE);
  return { provider, open, finish };
}

interface Variation {
  readonly name?: string;
  readonly key?: string;
  readonly config?: string;
  readonly state?: string;
}

const yaml = (url: string, more: Variation = {}) => `
server: { port: 0, workers: 2 }
monitoring: { log_level: debug }
state: { file: "${more.state ?? ''}" }
providers:
  - name: p
    endpoint: "${url}"
    models: [glm-4.6]
    load_balancing: { api_keys: [{ key: key-77, name: ${more.name ?? 'one'} ${more.key ?? ''} }] }
environment_models: { haiku: glm-4.6, sonnet: glm-4.6, opus: glm-4.6 }
${more.config ?? ''}
`;

test(
  'a limit holds for all threads together, and so do the places to wait',
  NEEDS_THREADS,
  async (t) => {
    let running = 0;
    let most = 0;
    const { provider } = await streaming(t, (response) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(delta('fine', 'stop') + DONE);
      }, 5);
    });
    const { url, gateway, server } = await threads(
      t,
      yaml(provider.url, {
        key: ', max_requests_per_minute: 60, max_concurrent: 5',
        config: 'limits: { queue: { max_wait: 3s } }',
      }),
    );
    const ended: Answered[] = [];
    const client = async () => {
      for (let turn = 0; turn < 5; turn++) ended.push(await ask(url + PATH, { body: STREAM }));
    };
    await Promise.all(Array.from({ length: 24 }, client));
    const served = ended.filter(({ status }) => status === 200);
    assert.deepEqual([served.length, provider.received.length], [60, 60], 'of 120');
    assert.ok(most <= 5, `${most} at once`);
    assert.equal(new Set(ended.map(threadOf)).size, 2, 'both threads serve');
    assert.deepEqual([gateway.quotas.inFlight(ALL), gateway.quotas.bucketCount > 3], [0, true]);
    const { text } = await ask(`${url}/metrics`);
    assert.match(text, /cooldown_upstream_requests_total\{[^}]*status="200"\} 60\n/);
    assert.match(text, /cooldown_request_duration_seconds_count\{[^}]*\} 60\n/);
    assert.match(text, /cooldown_queue_depth\{provider="p"\} 0\n/);
    const health = JSON.parse((await ask(`${url}/health`)).text);
    assert.equal(health.providers[0].keys[0].requests_last_minute, 60);
    assert.equal(await server.drain(1_000), true);
  },
);

test(
  'who waits is woken by the end of a request in another thread, and by a reload',
  NEEDS_THREADS,
  async (t) => {
    const { provider, open, finish } = await streaming(t);
    const one = { key: ', max_concurrent: 1', config: 'limits: { queue: { max_depth: 4 } }' };
    const it = await threads(t, yaml(provider.url, one));
    const first = await it.openOn(PATH, STREAM);
    await first.has('one ');
    const waiting = Array.from({ length: 4 }, () => ask(it.url + PATH, { body: STREAM }));
    const depth = async () =>
      Number(/cooldown_queue_depth\{.*\} (\d+)/.exec((await ask(`${it.url}/metrics`)).text)?.[1]);
    for (let looks = 0; looks < 500 && (await depth()) < 4; looks++)
      await new Promise(setImmediate);
    const refused = await ask(it.url + PATH, { body: chat('x') });
    assert.equal(refused.status, 429, 'no place is left in any thread');
    finish();
    await first.done;
    for (let turn = 0; turn < 2; turn++) {
      await until(() => open.length === 1);
      assert.equal(open.length, 1);
      finish();
    }
    await until(() => open.length === 1);
    it.reload(yaml(provider.url, { key: ', max_concurrent: 3' }));
    await until(() => open.length === 2);
    const late = await it.openOn(PATH, STREAM);
    await late.has('one ');
    assert.equal(it.gateway.quotas.inFlight(ALL), 3, 'those of before the reload count');
    while (open.length > 0) finish();
    const answers = await Promise.all([...waiting, late.done]);
    assert.ok(answers.every(({ status, complete }) => status === 200 && complete));
    await until(() => it.gateway.quotas.inFlight(ALL) === 0);
    await until(() => it.lines('request').filter(({ status }) => status === 200).length >= 6);
  },
);

test(
  'a thread that dies: its places are free, the others go on, another one comes',
  NEEDS_THREADS,
  async (t) => {
    const { provider, open, finish } = await streaming(t);
    const it = await threads(
      t,
      yaml(provider.url, { key: ', max_concurrent: 3, max_requests_per_minute: 100' }),
    );
    const first = await it.openOn(PATH, STREAM);
    const other = await it.openOn(PATH, STREAM, threadOf(first.response ?? {}));
    const lives = [first, other, await it.openOn(PATH, STREAM)];
    for (const live of lives) await live.has('one ');
    const { quotas } = it.gateway;
    const started = provider.received.length;
    assert.equal(quotas.inFlight(ALL), 3);
    const before = await counted(it.url);
    const limits = ', max_concurrent: 4, max_requests_per_minute: 100';
    it.reload(yaml(provider.url, { name: 'renamed', key: limits }));
    const gone = new Set<Live>();
    for (const live of lives) void live.done.then(({ complete }) => complete || gone.add(live));
    await it.server.kill(0);
    await until(() => it.lines('worker replaced').length === 1 && gone.size > 0);
    assert.equal(it.lines('worker died')[0]?.level, 'error');
    const alive = lives.filter((live) => !gone.has(live));
    assert.equal(new Set(alive.map(nonceOf)).size, 1);
    assert.ok([...gone].every((live) => nonceOf(live) !== nonceOf(alive[0] as Live)));
    assert.equal(quotas.inFlight(ALL), alive.length);
    const booked = quotas.requestsInWindow(keyBucket(it.gateway), Date.now());
    assert.ok(booked >= 3 && booked <= started, 'what was reserved stays booked');
    const fresh = await it.openOn(PATH, STREAM, nonceOf(alive[0] as Live));
    assert.ok(lives.every((live) => nonceOf(live) !== nonceOf(fresh)));
    assert.equal(fresh.response?.headers['x-cooldown-key'], 'renamed', 'born with the newest file');
    while (open.length > 0) finish();
    for (const live of [...alive, fresh]) assert.match((await live.done).text, /two/);
    assert.ok((await counted(it.url)) >= before, 'no counter goes back');
    await until(() => quotas.inFlight(ALL) === 0);
  },
);

const nonceOf = (live: Live): string => threadOf(live.response ?? {});

const keyBucket = (gateway: Gateway): Bucket => gateway.providers[0]?.keys[0]?.orgBucket ?? ALL;

/** Attempts that were answered with 200, as /metrics says. */
async function counted(url: string): Promise<number> {
  const { text } = await ask(`${url}/metrics`);
  const found = text.matchAll(/cooldown_upstream_requests_total\{[^}]*status="200"\} (\d+)/g);
  return [...found].reduce((sum, [, count]) => sum + Number(count), 0);
}

test(
  'what one thread is told all know: a disabled key, its reason, a warm cache',
  NEEDS_THREADS,
  async (t) => {
    const provider = await scripted([], {
      status: 401,
      body: { error: { message: 'no such key', code: 'invalid_api_key' } },
    });
    t.after(() => provider.close());
    const it = await threads(t, yaml(provider.url));
    const { status } = await ask(it.url + PATH, { body: chat('x') });
    assert.notEqual(status, 200);
    const seen = new Map<string, unknown>();
    for (let turn = 0; turn < 100 && seen.size < 2; turn++) {
      const answer = await ask(`${it.url}/health`);
      const [key] = JSON.parse(answer.text).providers[0].keys;
      seen.set(threadOf(answer), [answer.status, key.state, key.reason]);
    }
    assert.deepEqual([...seen.values()], Array(2).fill([503, 'disabled', 'auth']));
    assert.equal(
      it.gateway.verdicts.get(keyBucket(it.gateway))?.reason,
      'auth',
      'the state file too',
    );
    assert.equal(provider.received.length, 1);
  },
);

test(
  'the program: one log, one drain, one exit code; a second signal cuts',
  NEEDS_THREADS,
  async (t) => {
    const { provider, open, finish } = await streaming(t);
    const cwd = folder(t);
    writeFileSync(join(cwd, 'config.yaml'), yaml(provider.url, { state: 'state.json' }));
    for (const cuts of [false, true]) {
      const run = program(t, [], { cwd });
      const url = await run.listening();
      const lives = [0, 1, 2, 3].map(() => openStream(url));
      for (const live of lives) await live.has('one ');
      run.child.kill('SIGHUP');
      await until(() => run.lines('configuration reloaded').length === 1);
      run.child.kill('SIGTERM');
      await until(() => run.lines('draining').length === 1);
      if (cuts) run.child.kill('SIGTERM');
      else while (open.length > 0) finish();
      for (const live of lives) {
        assert.match((await live.done).text, cuts ? /"error"/ : /two/);
      }
      assert.equal(await run.ended, cuts ? 1 : 0);
      assert.equal(run.lines('stopped')[0]?.clean, !cuts);
      assert.equal(run.lines('request').filter(({ endpoint }) => endpoint === 'openai').length, 4);
      assert.equal(
        run.out.split('\n').filter((line) => line !== '' && !line.endsWith('}')).length,
        0,
      );
      assert.equal(run.err, '');
      open.length = 0;
    }
  },
);

const openStream = (url: string): Live => openRequest(url + PATH, { body: STREAM });

test('an address that is taken is found before any thread starts', NEEDS_THREADS, async (t) => {
  const { provider } = await streaming(t);
  const it = await threads(t, yaml(provider.url));
  const taken = yaml(provider.url).replace('port: 0', `port: ${it.server.port}`);
  await assert.rejects(threads(t, taken), { code: 'EADDRINUSE' });
});
