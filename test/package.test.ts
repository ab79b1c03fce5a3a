/** Is what is published complete, small, and able to start with its one dependency? */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { makeMetrics } from '../lib/telemetry/metrics.ts';
import { ROOT } from './support/source.ts';

/** Far above what it is (docs and presets grow), far below what a forgotten folder makes of it. */
const MAX_UNPACKED_BYTES = 1_700_000;
const MAX_PACKED_BYTES = 500_000;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const PARTS = ['bin/cooldown-proxy.js', 'dist/lib/main.js', 'dist/lib/main.d.ts', 'package.json'];
const DOCUMENTS = ['README.md', 'LICENSE', 'ARCHITECTURE.md', 'CHANGELOG.md', 'SECURITY.md'];
const UNITS = ['cooldown-proxy.service', 'cooldown-proxy.socket'];
const CONFIGURATION = [
  'config/config.yaml.example-claude-code',
  ...UNITS.map((unit) => `config/${unit}`),
];

let folder = '';
let packed: Packed;
const paths = () => packed.files.map(({ path }) => path);

before(() => {
  assert.ok(existsSync(`${ROOT}dist/lib/main.js`), 'dist/ is missing: run make build first');
  folder = mkdtempSync(join(tmpdir(), 'cooldown-package-'));
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const out = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  packed = readPacked(JSON.parse(out));
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '-C', folder]);
});

after(() => {
  if (folder !== '') rmSync(folder, { recursive: true });
});

/** A list of packages in npm up to 10, since then an object by their names. */
function readPacked(answer: readonly Packed[] | Readonly<Record<string, Packed>>): Packed {
  const [first] = Object.values(answer);
  assert.ok(first);
  return first;
}

for (const path of [...PARTS, ...DOCUMENTS, ...CONFIGURATION])
  test(`published: ${path}`, () => assert.ok(paths().includes(path), path));

test('nothing else is published: no tests, no benches, no sources', () => {
  const known = new Set([...DOCUMENTS, 'package.json']);
  const strangers = paths().filter(
    (path) => !known.has(path) && !/^(?:bin|config)\/|^dist\/lib\/.*\.(?:js|d\.ts)$/.test(path),
  );
  assert.deepEqual(strangers, []);
});

test('the package is small', () => {
  assert.ok(packed.unpackedSize <= MAX_UNPACKED_BYTES, `${packed.unpackedSize} bytes unpacked`);
  assert.ok(packed.size <= MAX_PACKED_BYTES, `${packed.size} bytes packed`);
});

test('every file of lib is published as compiled, and none that is gone', () => {
  const args = ['ls-files', '-co', '--exclude-standard', 'lib'];
  const listed = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  if (listed.status !== 0) return; // not a checkout
  const sources = listed.stdout.split('\n').filter((path) => existsSync(ROOT + path));
  const wanted = sources
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `dist/${path.replace(/\.ts$/, '.js')}`);
  const compiled = paths().filter((path) => path.endsWith('.js') && path.startsWith('dist/'));
  assert.deepEqual(compiled.sort(), wanted.sort());
});

test('what the manifest points to is there', () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8'));
  assert.deepEqual(Object.keys(manifest.dependencies), ['yaml']);
  const { types, default: code } = manifest.exports['.'];
  for (const target of [manifest.bin['cooldown-proxy'], types, code]) {
    assert.ok(existsSync(join(folder, 'package', target)), target);
  }
});

for (const file of ['config/grafana/cooldown-proxy.json', 'config/prometheus/alerts.yml'])
  test(`${file} asks for metrics that exist`, () => {
    const metrics = makeMetrics('0');
    metrics.close();
    const known = new Set(metrics.render().match(/(?<=^# TYPE )\S+/gm));
    const expressions = readFileSync(ROOT + file, 'utf8').matchAll(
      /\b(?:cooldown|nodejs|process)_\w+/g,
    );
    const asked = new Set(
      [...expressions].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, '')),
    );
    assert.ok(asked.size > 3);
    assert.deepEqual(
      [...asked].filter((name) => !known.has(name)),
      [],
    );
  });

const analyzer = spawnSync('systemd-analyze', ['--version']).status === 0;
const noAnalyzer = !analyzer && 'there is no systemd-analyze here';

test('systemd understands the units', { skip: noAnalyzer }, () => {
  const copies = UNITS.map((unit) => join(folder, unit));
  for (const [at, unit] of UNITS.entries()) {
    const text = readFileSync(`${ROOT}config/${unit}`, 'utf8');
    // It wants commands and documents that are there.
    const here = text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true').replace(/^Docu.*\n/m, '');
    writeFileSync(copies[at] as string, here);
  }
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...copies], {
    encoding: 'utf8',
  });
  const ours = stderr.split('\n').filter((line) => line.includes('cooldown-proxy'));
  assert.deepEqual([status, ours], [0, []], stderr);
});

/** The command of the unpacked program, which stands beside nothing but yaml. */
function unpacked(...args: string[]): string[] {
  const modules = join(folder, 'package/node_modules');
  mkdirSync(modules, { recursive: true });
  if (!existsSync(join(modules, 'yaml'))) {
    symlinkSync(`${ROOT}node_modules/yaml`, join(modules, 'yaml'));
  }
  return [join(folder, 'package/bin/cooldown-proxy.js'), ...args];
}

/** Runs it to its end. */
function runPacked(...args: string[]) {
  return spawnSync(process.execPath, unpacked(...args), {
    cwd: folder,
    encoding: 'utf8',
    env: { HOME: folder },
    timeout: 20_000,
  });
}

test('the unpacked program says its version', () => {
  const { status, stdout, stderr } = runPacked('--version');
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`\\b${version.replaceAll('.', '\\.')}\\b`));
});

test('the unpacked program checks a configuration', () => {
  const example = join(folder, 'package/config/config.yaml.example-claude-code');
  const { status, stdout, stderr } = runPacked('check', '-config', example);
  assert.equal(status, 0, stdout + stderr);
});

/** The one place of a configuration that no variable moves. */
const skip = existsSync('/etc/cooldown-proxy/config.yaml');

test('the unpacked program without anything to go by says how to start', { skip }, () => {
  const { status, stdout, stderr } = runPacked();
  assert.equal(status, 2, stdout + stderr);
  assert.match(stdout + stderr, /demo/);
});

/** The request of the user's guide. */
const GUIDE_REQUEST = {
  model: 'claude-3-5-sonnet-20241022',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello, Claude' }],
};

test('the unpacked demo serves the request of the guide, and ends on SIGTERM', async () => {
  const child = spawn(process.execPath, unpacked('demo', '-port', '0'), {
    cwd: folder,
    env: { HOME: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'exit');
  try {
    const url = `http://127.0.0.1:${await listeningPort(createInterface(child.stdout))}`;
    const health = await fetch(`${url}/health`);
    assert.equal(health.status, 200);
    assert.equal(JSON.parse(await health.text()).status, 'ok');
    const answer = await fetch(`${url}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(GUIDE_REQUEST),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    const { type, role, model, content, stop_reason, usage } = JSON.parse(text);
    assert.deepEqual(
      [type, role, model, stop_reason],
      ['message', 'assistant', GUIDE_REQUEST.model, 'end_turn'],
    );
    assert.match(content.at(-1).text, /Hello, Claude/);
    assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0, text);
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await ended, [0, null]);
});

/** The port of the line that says that it listens. */
async function listeningPort(lines: AsyncIterable<string>): Promise<number> {
  for await (const line of lines) {
    if (line.startsWith('{') && JSON.parse(line).msg === 'listening') return JSON.parse(line).port;
  }
  throw new Error('it ended without listening');
}
