import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Gateway, Lane } from '../lib/gateway.ts';
import { STALE_DRAFT_MS } from '../lib/limits.ts';
import { newLease } from '../lib/quotas/lease.ts';
import { startSimulator } from '../lib/simulator/simulator.ts';
import { StateFile } from '../lib/state.ts';
import { compiled, NOW_MS } from './support/gateways.ts';
import { ask, chat } from './support/http-client.ts';
import { folder, program } from './support/program.ts';
import { until } from './support/upstream.ts';

const SECRET = 'key-secret-one-77';
const YAML = `
providers:
  - name: p
    endpoint: http://127.0.0.1:9/v1
    models: [glm-4.6]
    load_balancing: { api_keys: [{ key: ${SECRET}, name: one, max_requests_per_day: 9 }] }
`;
const PID = 4_711;

interface Kept {
  readonly gateway: Gateway;
  readonly state: StateFile;
  /** Warnings so far. */
  readonly warnings: readonly string[];
  start(): void;
  used(): number;
}

function kept(path: string): Kept {
  const warnings: string[] = [];
  const plain = compiled(YAML);
  const warn = (text: string, fields = {}) => {
    warnings.push(`${text} ${JSON.stringify(fields)}`);
  };
  const gateway = { ...plain, log: { ...plain.log, warn } };
  const lane = gateway.providers[0]?.lanes.get('glm-4.6')?.list[0] as Lane;
  return {
    gateway,
    warnings,
    state: new StateFile(path, gateway, PID),
    start() {
      const lease = newLease();
      gateway.quotas.tryReserve(lane.path, NOW_MS, 1, lease);
      gateway.quotas.settle(lane.path, lease, NOW_MS, 1);
    },
    used: () => gateway.quotas.usedInWindow(lane.key.orgBucket, NOW_MS, 'requests_day'),
  };
}

test('what is saved is found again, whole, by nobody else', async (t) => {
  const path = join(folder(t), 'a', 'b', 'state.json');
  const first = kept(path);
  assert.equal(first.state.load(), false);
  first.start();
  first.start();
  await first.state.save();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(path, '..')), ['state.json'], 'no draft is left');
  const text = readFileSync(path, 'utf8');
  assert.ok(!text.includes(SECRET) && !text.includes('one'), text);
  const { version, salt, saved_at } = JSON.parse(text);
  assert.deepEqual([version, saved_at], [1, new Date(NOW_MS).toISOString()]);
  const second = kept(path);
  assert.equal(second.state.load(), true);
  assert.equal(second.used(), 2);
  second.start();
  await second.state.close();
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).salt, salt, 'the salt is the file’s');
  const third = kept(path);
  third.state.load();
  assert.equal(third.used(), 3);
  assert.deepEqual([...first.warnings, ...second.warnings, ...third.warnings], []);
});

test('two files have two salts, so their hashes do not match', async (t) => {
  const paths = ['one', 'two'].map((name) => join(folder(t), name));
  const hashes: string[] = [];
  for (const path of paths) {
    const { state, start } = kept(path);
    start();
    await state.save();
    hashes.push(JSON.parse(readFileSync(path, 'utf8')).buckets[0].of[0]);
  }
  assert.notEqual(hashes[0], hashes[1]);
});

test('what nobody claims is kept as it was found', async (t) => {
  const path = join(folder(t), 'state.json');
  const first = kept(path);
  first.start();
  await first.state.save();
  const saved = JSON.parse(readFileSync(path, 'utf8'));
  const foreign = saved.buckets.map((one: object, at: number) => ({ ...one, of: [`other-${at}`] }));
  writeFileSync(path, JSON.stringify({ ...saved, buckets: foreign }));
  const second = kept(path);
  assert.equal(second.state.load(), true);
  assert.equal(second.used(), 0);
  second.start();
  await second.state.save();
  const { buckets } = JSON.parse(readFileSync(path, 'utf8'));
  assert.deepEqual(buckets.slice(0, foreign.length), foreign);
  assert.ok(buckets.length > foreign.length, 'and with it what is new');
});

test('nothing is written while nothing changes', async (t) => {
  const path = join(folder(t), 'state.json');
  const { state, start } = kept(path);
  await state.save();
  assert.equal(existsSync(path), false);
  start();
  await state.save();
  writeFileSync(path, 'untouched');
  await state.save();
  assert.equal(readFileSync(path, 'utf8'), 'untouched');
  start();
  await state.save();
  assert.notEqual(readFileSync(path, 'utf8'), 'untouched');
});

const GOOD = { version: 1, salt: 'ab'.repeat(16), saved_at: '', buckets: [], calibrations: {} };
const UNUSABLE: readonly (readonly [name: string, text: string])[] = [
  ['empty', ''],
  ['truncated', JSON.stringify(GOOD).slice(0, -20)],
  ['not JSON', 'version: 1\n'],
  ['null', 'null'],
  ['a list', '[1]'],
  ['a later version', JSON.stringify({ ...GOOD, version: 2 })],
  ['no salt', JSON.stringify({ ...GOOD, salt: undefined })],
  ['a salt of the wrong kind', JSON.stringify({ ...GOOD, salt: ['ab'.repeat(16)] })],
  ['buckets that are none', JSON.stringify({ ...GOOD, buckets: {} })],
  ['bytes', '\u0000\u0001\ufffd'],
];

for (const [name, text] of UNUSABLE)
  test(`a file that cannot be used is set aside: ${name}`, async (t) => {
    const home = folder(t);
    const path = join(home, 'state.json');
    writeFileSync(path, text);
    const { state, warnings, start, used } = kept(path);
    assert.equal(state.load(), false);
    assert.deepEqual(readdirSync(home), ['state.json.corrupt-20260101T120000Z']);
    assert.equal(readFileSync(join(home, 'state.json.corrupt-20260101T120000Z'), 'utf8'), text);
    assert.match(warnings.join(), /starting without .*"aside":".*corrupt-20260101T120000Z"/);
    start();
    await state.save();
    assert.equal(used(), 1);
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).version, 1);
  });

test('parts of a file that are nonsense are left out, the rest is used', async (t) => {
  const path = join(folder(t), 'state.json');
  const first = kept(path);
  first.start();
  await first.state.save();
  const saved = JSON.parse(readFileSync(path, 'utf8'));
  const odd = [null, 5, {}, { of: 'x', state: {} }, { of: [5], state: {} }, { of: [], state: 5 }];
  const calibrations = 'none';
  writeFileSync(
    path,
    JSON.stringify({ ...saved, buckets: [...odd, ...saved.buckets], calibrations }),
  );
  const second = kept(path);
  assert.equal(second.state.load(), true);
  assert.equal(second.used(), 1);
});

test('what cannot be written is told once for each reason, and kills nobody', async (t) => {
  const home = folder(t);
  const path = join(home, 'file', 'state.json');
  writeFileSync(join(home, 'file'), 'not a folder');
  const { state, warnings, start } = kept(path);
  assert.equal(state.load(), false);
  for (let n = 0; n < 3; n++) {
    start();
    await state.save();
  }
  assert.equal(warnings.filter((line) => line.includes('state not saved')).length, 1);
  await state.close();
  const folderInTheWay = join(home, 'state.json');
  mkdirSync(folderInTheWay);
  writeFileSync(join(folderInTheWay, 'precious'), '');
  const other = kept(folderInTheWay);
  assert.equal(other.state.load(), false);
  other.start();
  await other.state.close();
  assert.deepEqual(readdirSync(folderInTheWay), ['precious'], 'a folder is not moved');
  assert.deepEqual(readdirSync(home).sort(), ['file', 'state.json']);
});

test('drafts of killed programs are removed, those of running ones are not', (t) => {
  const home = folder(t);
  for (const name of ['state.json.tmp-1', 'state.json.tmp-2', 'other.tmp-1']) {
    writeFileSync(join(home, name), '');
    const atS = (NOW_MS - (name.endsWith('2') ? 0 : STALE_DRAFT_MS + 1)) / 1_000;
    utimesSync(join(home, name), atS, atS);
  }
  kept(join(home, 'state.json')).state.load();
  assert.deepEqual(readdirSync(home).sort(), ['other.tmp-1', 'state.json.tmp-2']);
});

test('a folder that cannot be read is a start without state', (t) => {
  const home = folder(t);
  const path = join(home, 'state.json');
  writeFileSync(path, JSON.stringify(GOOD));
  chmodSync(path, 0o000);
  t.after(() => existsSync(path) && chmodSync(path, 0o600));
  const { state } = kept(path);
  const asRoot = process.getuid?.() === 0; // may read everything
  assert.equal(state.load(), asRoot);
});

/** Keys `cold` and `warm` on a simulator that refuses its first request for a minute. */
async function killed(t: TestContext) {
  const keys = [
    { key: 'state-key-cold', name: 'cold', org: 'cold' },
    { key: 'state-key-warm', name: 'warm', org: 'warm' },
  ];
  const simulator = await startSimulator({ keys, models: ['glm-4.6'], faults: '429:60' });
  t.after(() => simulator.close());
  const cwd = folder(t);
  const file = join(cwd, 'state', 'state.json');
  const listed = keys.map((key) => JSON.stringify({ ...key, max_requests_per_day: 9 }));
  writeFileSync(
    join(cwd, 'config.yaml'),
    `
server: { port: 0 }
state: { file: ${file} }
providers:
  - name: p
    preset: cerebras
    endpoint: ${simulator.url}
    models: [glm-4.6]
    load_balancing: { strategy: round_robin, api_keys: [${listed.join(', ')}] }
`,
  );
  return { simulator, cwd, file };
}

const COLD = /\{"name":"cold"[^{]*"state":"cooling","reason":"rate_limit","until":"([^"]*)"/;
const LEFT = /cooldown_key_remaining\{provider="p",key="(\w+)",quota="requests_day"\} (\d+)/g;

test('kill -9 in the middle of a day: counts are right, a cooled key is not touched', async (t) => {
  const { simulator, cwd, file } = await killed(t);
  const started = () =>
    program(t, [join(cwd, 'config.yaml'), '50'], { cwd, entry: 'saving-entry.ts' });
  const first = started();
  const url = await first.listening();
  for (let n = 0; n < 3; n++) {
    const { status } = await ask(`${url}/openai/chat/completions`, { body: chat('x') });
    assert.equal(status, 200);
  }
  const untilIso = COLD.exec((await ask(`${url}/health`)).text)?.[1];
  assert.ok(untilIso !== undefined);
  await until(
    () => existsSync(file) && /"requests_day":\[\[0,3\]\]/.test(readFileSync(file, 'utf8')),
  );
  first.child.kill('SIGKILL');
  await first.ended;
  const second = started();
  const url2 = await second.listening();
  assert.equal(second.lines('state restored')[0]?.file, file);
  assert.equal(
    COLD.exec((await ask(`${url2}/health`)).text)?.[1]?.slice(0, 19),
    untilIso.slice(0, 19),
  );
  const { text } = await ask(`${url2}/metrics`);
  const left = [...text.matchAll(LEFT)].map(([, key, count]) => `${key} ${count}`);
  assert.deepEqual(left, ['cold 8', 'warm 6']);
  for (let n = 0; n < 2; n++) await ask(`${url2}/openai/chat/completions`, { body: chat('x') });
  const served = simulator.log().map(({ key, status }) => `${key} ${status}`);
  assert.deepEqual(served, ['cold 429', ...Array(5).fill('warm 200')]);
  second.child.kill('SIGKILL');
  await second.ended;
  writeFileSync(file, '{"version":');
  const third = started();
  await third.listening();
  assert.equal(third.lines('state restored').length, 0);
  assert.match(third.out, /state file cannot be used, starting without/);
  assert.ok(readdirSync(join(file, '..')).some((name) => name.includes('.corrupt-')));
});

test('a stop saves', async (t) => {
  const { cwd, file } = await killed(t);
  const run = program(t, [], { cwd });
  const url = await run.listening();
  await ask(`${url}/openai/chat/completions`, { body: chat('x') });
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
  assert.match(readFileSync(file, 'utf8'), /"restUntilMs":\d/);
});
