import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../lib/config/faults.ts';
import { findAndLoad, findConfig, loadConfig } from '../../lib/config/load.ts';
import { MAX_CONFIG_BYTES } from '../../lib/limits.ts';
import { LOCAL } from '../support/configs.ts';

const root = mkdtempSync(join(tmpdir(), 'cooldown-config-'));
after(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Uint8Array): string {
  const full = join(root, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}

const here = write('cwd/config.yaml', LOCAL);
const other = write('cwd/other.yaml', LOCAL);
const user = write('home/.config/cooldown-proxy/config.yaml', LOCAL);
const xdg = write('xdg/cooldown-proxy/config.yaml', LOCAL);
const cwd = join(root, 'cwd');
const empty = join(root, 'home');
const HOME = join(root, 'home');
const XDG_CONFIG_HOME = join(root, 'xdg');

for (const { name, flag, env, from, want } of [
  {
    name: 'the flag first',
    flag: 'other.yaml',
    env: { COOLDOWN_CONFIG: here },
    from: cwd,
    want: other,
  },
  { name: 'an absolute flag', flag: other, env: {}, from: empty, want: other },
  {
    name: 'then the variable',
    flag: undefined,
    env: { COOLDOWN_CONFIG: 'other.yaml' },
    from: cwd,
    want: other,
  },
  {
    name: 'then the working folder',
    flag: undefined,
    env: { COOLDOWN_CONFIG: '', HOME, XDG_CONFIG_HOME },
    from: cwd,
    want: here,
  },
  {
    name: 'then XDG_CONFIG_HOME',
    flag: undefined,
    env: { HOME, XDG_CONFIG_HOME },
    from: empty,
    want: xdg,
  },
  {
    name: 'which is ~/.config by default',
    flag: undefined,
    env: { HOME },
    from: empty,
    want: user,
  },
  {
    name: 'also when it is relative',
    flag: undefined,
    env: { HOME, XDG_CONFIG_HOME: 'xdg' },
    from: empty,
    want: user,
  },
]) {
  test(`search order: ${name}`, () => assert.equal(findConfig(flag, env, from), want));
}

for (const { name, flag, env, why } of [
  {
    name: 'flag',
    flag: 'nope.yaml',
    env: {},
    why: /nope\.yaml:1:1: -config names a file that does not exist/,
  },
  { name: 'empty flag', flag: '', env: {}, why: /-config names no file/ },
  {
    name: 'variable',
    flag: undefined,
    env: { COOLDOWN_CONFIG: 'nope.yaml' },
    why: /nope\.yaml:1:1: \$COOLDOWN_CONFIG names a file/,
  },
]) {
  test(`a named file that is not there is no reason to look further: ${name}`, () => {
    assert.throws(
      () => findConfig(flag, env, cwd),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, why);
        return true;
      },
    );
  });
}

const full = `${LOCAL}# `.padEnd(MAX_CONFIG_BYTES, 'x');

for (const { name, path, why } of [
  { name: 'a folder', path: cwd, why: /cannot be read: EISDIR/ },
  { name: 'not there', path: join(cwd, 'nope'), why: /cannot be read: ENOENT/ },
  { name: 'too large', path: write('large.yaml', `${full}x`), why: /is larger than 1 MiB/ },
  {
    name: 'not UTF-8',
    path: write('latin.yaml', Buffer.from([0x61, 0x3a, 0x20, 0xe9])),
    why: /is not UTF-8/,
  },
  {
    name: 'UTF-16',
    path: write('utf16.yaml', Buffer.from(`\ufeff${LOCAL}`, 'utf16le')),
    why: /is not UTF-8/,
  },
  { name: 'empty', path: write('empty.yaml', ''), why: /empty\.yaml:1:1: the file is empty/ },
]) {
  test(`a file that cannot be used: ${name}`, () => {
    assert.throws(
      () => loadConfig(path, {}),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, why);
        assert.equal(error.faults[0]?.file, path);
        return true;
      },
    );
  });
}

test('a file of exactly the largest size, and one with a byte order mark', () => {
  assert.equal(loadConfig(write('full.yaml', full), {}).providers.length, 1);
  assert.equal(loadConfig(write('bom.yaml', `\ufeff${LOCAL}`), {}).providers.length, 1);
});

test('a file wins over keys in the environment, keys over nothing', () => {
  const keys = { CEREBRAS_API_KEY: 'k' };
  assert.equal(findAndLoad(undefined, keys, cwd)?.source, here);
  assert.equal(findAndLoad(undefined, keys, empty)?.source, 'environment');
  assert.equal(findAndLoad(undefined, {}, empty), undefined);
  assert.equal(findAndLoad('config.yaml', {}, cwd, { port: 7 })?.server.port, 7);
});
