import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { WatchedFile } from '../lib/watch.ts';
import { folder, program } from './support/program.ts';
import { until } from './support/upstream.ts';

/** A file, and how often looks at it have told of a change. */
function watched(t: TestContext) {
  const cwd = folder(t);
  const path = join(cwd, 'config.yaml');
  writeFileSync(path, 'one');
  const file = new WatchedFile(path);
  let changes = 0;
  const look = async () => {
    await file.look(() => {
      changes += 1;
    });
    return changes;
  };
  return { cwd, path, file, look };
}

test('a change is told once, when it has stood still for a look', async (t) => {
  const { path, look } = watched(t);
  assert.equal(await look(), 0);
  for (const text of ['a', 'ab', 'abc', 'abcd']) {
    writeFileSync(path, text);
    assert.equal(await look(), 0, 'still being written');
  }
  assert.equal(await look(), 1);
  assert.equal(await look(), 1);
});

test('an editor that replaces the file by a rename', async (t) => {
  const { cwd, path, look } = watched(t);
  writeFileSync(join(cwd, 'draft'), 'one');
  renameSync(join(cwd, 'draft'), path);
  assert.deepEqual([await look(), await look(), await look()], [0, 1, 1]);
});

test('a vanished file is no change until it is back', async (t) => {
  const { path, look } = watched(t);
  rmSync(path);
  assert.deepEqual([await look(), await look()], [0, 0]);
  writeFileSync(path, 'two');
  assert.equal(await look(), 0);
  rmSync(path);
  assert.deepEqual([await look(), await look()], [0, 0]);
  writeFileSync(path, 'three');
  assert.deepEqual([await look(), await look()], [0, 1]);
});

test('the folder behind a link is swapped, as config maps are', async (t) => {
  const cwd = folder(t);
  for (const version of ['1', '2']) {
    mkdirSync(join(cwd, version));
    writeFileSync(join(cwd, version, 'config.yaml'), 'same size');
    utimesSync(join(cwd, version, 'config.yaml'), 1, 1);
  }
  symlinkSync('1', join(cwd, '..data'));
  symlinkSync('..data/config.yaml', join(cwd, 'config.yaml'));
  const file = new WatchedFile(join(cwd, 'config.yaml'));
  symlinkSync('2', join(cwd, '..new'));
  renameSync(join(cwd, '..new'), join(cwd, '..data'));
  let changes = 0;
  for (let n = 0; n < 3; n++) await file.look(() => changes++);
  assert.equal(changes, 1);
});

test('what was read by a signal is not read again', async (t) => {
  const { path, file, look } = watched(t);
  writeFileSync(path, 'two!');
  await look();
  file.note();
  assert.deepEqual([await look(), await look()], [0, 0]);
});

test('the program reloads when its file changes, as long as it says so', async (t) => {
  const cwd = folder(t);
  const path = join(cwd, 'config.yaml');
  const configure = (watch: boolean, more = '') => {
    const draft = join(cwd, 'draft');
    const provider = '{ name: p, endpoint: "http://127.0.0.1:9/v1", models: [m], api_key: k }';
    const text = `server: { port: 0, watch: ${watch} }\nproviders: [${provider}]\n${more}`;
    writeFileSync(draft, text);
    renameSync(draft, path);
  };
  configure(true);
  const run = program(t, [], { cwd });
  await run.listening();
  const reloads = () => run.lines('configuration reloaded').length;
  configure(true, 'limits: { max_concurrent: 5 }');
  await until(() => reloads() === 1);
  configure(true, 'limits: { nonsense: 5 }');
  await until(() => run.out.includes('reload refused'));
  assert.match(run.out, /config\.yaml:3:11: unknown key \\"nonsense\\"/);
  configure(false);
  await until(() => reloads() === 2);
  configure(true);
  run.child.kill('SIGHUP');
  await until(() => reloads() === 3);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
  assert.equal(run.err, '');
});
