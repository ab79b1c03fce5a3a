import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ServiceManager, takeHanded } from '../lib/systemd.ts';
import type { LogFields } from '../lib/telemetry/log.ts';
import { heldSocket } from './support/held-socket.ts';
import { ask, chat } from './support/http-client.ts';
import { folder, program } from './support/program.ts';
import { scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const OURS = { LISTEN_PID: '77', LISTEN_FDS: '1' };

for (const { name, env, socket } of [
  { name: 'nothing', env: {}, socket: null },
  { name: 'no descriptors', env: { LISTEN_PID: '77', LISTEN_FDS: '0' }, socket: null },
  { name: 'one', env: OURS, socket: { fd: 3 } },
  { name: 'one, named', env: { ...OURS, LISTEN_FDNAMES: 'http' }, socket: { fd: 3 } },
  { name: 'two', env: { ...OURS, LISTEN_FDS: '2' }, socket: /LISTEN_FDS=2: one listening TCP/ },
  {
    name: 'two, named',
    env: { ...OURS, LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b' },
    socket: /LISTEN_FDS=2 \(a:b\): one/,
  },
  { name: 'no number', env: { ...OURS, LISTEN_FDS: 'x' }, socket: /LISTEN_FDS=x: one listening/ },
  {
    name: 'those of another process',
    env: { ...OURS, LISTEN_PID: '78' },
    socket: /not for this process \(77\): LISTEN_PID is 78/,
  },
  { name: 'of nobody', env: { LISTEN_FDS: '1' }, socket: /LISTEN_PID is not set/ },
] as const)
  test(`sockets handed over: ${name}`, () => {
    const left: Record<string, string | undefined> = { ...env, HOME: '/h' };
    const handed = takeHanded(left, 77);
    if (socket instanceof RegExp) assert.match(Object.values(handed.socket ?? {}).join(), socket);
    else assert.deepEqual(handed.socket, socket);
    assert.deepEqual(left, { HOME: '/h' }, 'they are for no child of ours');
  });

for (const { name, env, watchdogMs } of [
  { name: 'none', env: {}, watchdogMs: 0 },
  { name: 'ours', env: { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '77' }, watchdogMs: 30_000 },
  { name: 'of anybody', env: { WATCHDOG_USEC: '2500' }, watchdogMs: 2.5 },
  { name: 'of another', env: { WATCHDOG_USEC: '2500', WATCHDOG_PID: '78' }, watchdogMs: 0 },
  { name: 'no number', env: { WATCHDOG_USEC: '-5' }, watchdogMs: 0 },
])
  test(`watchdog: ${name}`, () => {
    assert.equal(takeHanded({ ...env }, 77).notify, null, 'nobody to tell');
    const { notify } = takeHanded({ NOTIFY_SOCKET: '/s', PATH: '/p', ...env }, 77);
    assert.deepEqual(notify, { socket: '/s', path: '/p', watchdogMs });
  });

/** A manager whose `systemd-notify` is this script. */
function managed(t: TestContext, script: string) {
  const path = folder(t);
  const file = join(path, 'systemd-notify');
  if (script !== '') writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
  if (script !== '') chmodSync(file, 0o755);
  const warnings: string[] = [];
  const log = {
    debug() {},
    info() {},
    flush() {},
    error() {},
    warn: (text: string, { error }: LogFields = {}) => void warnings.push(`${text}: ${error}`),
  };
  const around = { log: () => log, status: () => now.status, monotonicUs: () => 5n };
  const now = {
    status: 'keys: 1 ready',
    warnings,
    manager: new ServiceManager({ socket: '@s', path, watchdogMs: 0 }, around),
    told: () => {
      const written = join(path, 'told');
      return existsSync(written) ? readFileSync(written, 'utf8').split('\n').slice(0, -1) : [];
    },
  };
  return now;
}

/** Writes down where, what, and how much of our environment came along. */
const WRITE = `echo "$NOTIFY_SOCKET:" "$@" $(env | grep -c HOME) >> "\${0%/*}/told"`;

test('what systemd is told, in order, each by a child that knows nothing else', async (t) => {
  const now = managed(t, `sleep 0.01; ${WRITE}`);
  const { manager } = now;
  manager.ready();
  manager.reloading();
  await until(() => now.told().length === 2);
  now.status = 'keys: 1 cooling';
  manager.reloaded();
  manager.stopping(30_000);
  await manager.close();
  assert.deepEqual(now.told(), [
    '@s: READY=1 STATUS=keys: 1 ready 0',
    '@s: RELOADING=1 MONOTONIC_USEC=5 0',
    '@s: READY=1 STATUS=keys: 1 cooling 0',
    '@s: STOPPING=1 STATUS=draining EXTEND_TIMEOUT_USEC=40000000 0',
  ]);
  assert.deepEqual(now.warnings, []);
});

test('what fails is one warning; of too many messages the oldest are left out', async (t) => {
  const { manager, told, warnings } = managed(t, `${WRITE}; echo no luck >&2; exit 1`);
  for (let n = 0; n < 40; n++) manager.reloaded();
  manager.stopping(0);
  await manager.close();
  assert.equal(told().length, 17, 'the first, and sixteen that waited');
  assert.match(told().at(-1) ?? '', /STOPPING=1/);
  assert.deepEqual(warnings, ['systemd cannot be told: no luck']);
});

test('without systemd-notify: one warning', async (t) => {
  const { manager, warnings } = managed(t, '');
  manager.ready();
  manager.stopping(0);
  await manager.close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^systemd cannot be told: .*ENOENT/);
});

const has = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const missing = ['perl', 'systemd-notify'].filter((command) => !has(command));
const skip = missing.length > 0 && `there is no ${missing.join(', no ')} here`;

test('systemd hears of the start, of reloads, of life and of the end', { skip }, async (t) => {
  const cwd = folder(t);
  const socket = join(cwd, 'notify');
  const script = fileURLToPath(new URL('support/receive-notices.pl', import.meta.url));
  const receiver = spawn('perl', [script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => receiver.kill('SIGKILL'));
  const told: string[] = [];
  createInterface(receiver.stdout).on('line', (line) => told.push(line));
  await until(() => told.length === 1);
  writeConfig(cwd, 'http://127.0.0.1:9/v1');
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' };
  const run = program(t, [], { cwd, env });
  await until(() => told.includes('WATCHDOG=1'));
  assert.equal(run.lines('listening').length, 1);
  run.child.kill('SIGHUP');
  await until(() => told.filter((line) => line.startsWith('READY=1')).length === 2);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
  await until(() => told.some((line) => line.startsWith('STOPPING=1')));
  const words = told.filter((line) => !/^(?:BARRIER|WATCHDOG|bound)/.test(line));
  assert.match(words.join('\n').replace(/USEC=\d+/g, 'USEC=N'), LIFE);
  assert.equal(run.err, '');
});

const LIFE =
  /^READY=1 STATUS=keys: 2 ready\nRELOADING=1 MONOTONIC_USEC=N\nREADY=1 STATUS=keys: 2 ready\nSTOPPING=1 STATUS=draining EXTEND_TIMEOUT_USEC=N$/;

function writeConfig(cwd: string, endpoint: string, server = 'port: 0'): void {
  writeFileSync(
    join(cwd, 'config.yaml'),
    `
server: { ${server} }
providers:
  - name: p
    preset: generic
    endpoint: ${endpoint}
    models: [glm-4.6]
    load_balancing: { api_keys: [key-secret-1, key-secret-2] }
`,
  );
}

test('an inherited socket is served, whatever address the file names', async (t) => {
  const provider = await scripted();
  t.after(() => provider.close());
  const cwd = folder(t);
  const held = heldSocket(t);
  writeConfig(cwd, provider.url, 'port: 1');
  const run = program(t, [], { cwd, socket: held.fd });
  assert.equal(await run.listening(), held.url);
  assert.equal((await ask(`${held.url}/openai/chat/completions`, { body: chat('x') })).status, 200);
  const foreign = { headers: { host: 'evil.example' } };
  assert.equal((await ask(`${held.url}/health`, foreign)).status, 403, 'it is a loopback address');
  run.child.kill('SIGHUP');
  await until(() => run.lines('configuration reloaded').length === 1);
  assert.equal(run.lines('a restart is needed for some of the changes').length, 0);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
});

for (const { name, server, served } of [
  { name: 'without a token: not started', server: 'port: 0', served: false },
  { name: 'with one', server: 'api_key_required: true, auth_tokens: [t]', served: true },
  { name: 'that says so', server: 'allow_unauthenticated: true', served: true },
])
  test(`an inherited socket of a public address, ${name}`, async (t) => {
    const cwd = folder(t);
    const held = heldSocket(t, '0.0.0.0');
    writeConfig(cwd, 'http://127.0.0.1:9/v1', server);
    const run = program(t, [], { cwd, socket: held.fd });
    if (served) {
      await run.listening();
      const foreign = { headers: { host: 'any.example' } };
      assert.equal((await ask(`${held.url}/health`, foreign)).status, 200);
      return;
    }
    assert.equal(await run.ended, 1);
    const [line] = run.lines(
      'the inherited socket is refused: without a token only loopback is served',
    );
    assert.equal(line?.address, '0.0.0.0');
    assert.equal(run.lines('listening').length, 0);
  });

test('a descriptor that is no TCP socket: exit 3, and why', async (t) => {
  const cwd = folder(t);
  writeConfig(cwd, 'http://127.0.0.1:9/v1');
  const file = openSync(join(cwd, 'config.yaml'), 'r');
  t.after(() => closeSync(file));
  const run = program(t, [], { cwd, socket: file });
  assert.equal(await run.ended, 3);
  const [line] = run.lines('cannot listen');
  assert.match(String(line?.error), /^descriptor 3 is not a listening TCP socket/);
});
