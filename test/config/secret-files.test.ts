/** Secrets and certificates in files: where they are looked for, and what is said about them. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../lib/config/faults.ts';
import type { Env } from '../../lib/config/interpolate.ts';
import { loadConfig } from '../../lib/config/load.ts';
import type { Config } from '../../lib/config/types.ts';
import { LOCAL } from '../support/configs.ts';

const root = mkdtempSync(join(tmpdir(), 'cooldown-secrets-'));
after(() => rmSync(root, { recursive: true }));
const credentials = join(root, 'credentials');
mkdirSync(credentials);
mkdirSync(join(root, 'folder'));

function write(path: string, content: string | Uint8Array, mode = 0o600): string {
  const full = join(root, path);
  writeFileSync(full, content);
  chmodSync(full, mode);
  return full;
}

write('key', 'marked-secret-key\n');
write('crlf', '  marked-secret-crlf \r\n\r\n');
write('open', 'marked-secret-open', 0o644);
write('empty', '\n \n');
write('two-lines', 'marked-secret-one\nmarked-secret-two\n');
write('latin', Buffer.from([0x6d, 0x61, 0x72, 0x6b, 0xe9]));
write('large', 'marked-secret-large'.padEnd(2 ** 20 + 1, 'x'));
write('credentials/key', 'marked-secret-from-systemd', 0o400);
const absolute = write('absolute', 'marked-secret-absolute');

function load(text: string, env: Env = {}): Config {
  return loadConfig(write('config.yaml', text), env);
}

function faults(text: string): string {
  try {
    load(text);
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError);
    return thrown.message;
  }
  return assert.fail('the text is refused');
}

const withKey = (file: string) =>
  `providers: [{ name: cerebras, models: [glm-4.6, glm-4.5-air], load_balancing: { api_keys: ` +
  `[{ key_file: ${file} }] } }]`;
const keyOf = (config: Config) => config.providers[0]?.keys[0]?.secret;

for (const { name, file, env, want } of [
  { name: 'beside the configuration', file: 'key', env: {}, want: 'marked-secret-key' },
  { name: 'an absolute path', file: absolute, env: {}, want: 'marked-secret-absolute' },
  { name: 'blanks and line ends around it', file: 'crlf', env: {}, want: 'marked-secret-crlf' },
  {
    name: 'systemd has it',
    file: 'key',
    env: { CREDENTIALS_DIRECTORY: credentials },
    want: 'marked-secret-from-systemd',
  },
  {
    name: 'systemd does not have it',
    file: 'crlf',
    env: { CREDENTIALS_DIRECTORY: credentials },
    want: 'marked-secret-crlf',
  },
  {
    name: 'a variable names it',
    file: `"\${SECRETS}/key"`,
    env: { SECRETS: credentials },
    want: 'marked-secret-from-systemd',
  },
]) {
  test(`a key in a file: ${name}`, () => {
    const config = load(withKey(file), env);
    assert.equal(keyOf(config), want);
    assert.deepEqual([config.secrets, config.warnings], [[want], []]);
  });
}

for (const { name, file, why } of [
  { name: 'not there', file: 'nope', why: /key_file: cannot be read: ENOENT \(.*nope\)/ },
  { name: 'a folder', file: 'folder', why: /key_file: is not a file \(.*folder\)/ },
  { name: 'empty', file: 'empty', why: /key_file: the file is empty \(.*empty\)/ },
  { name: 'two lines', file: 'two-lines', why: /two-lines holds characters that cannot stand/ },
  { name: 'not UTF-8', file: 'latin', why: /is not UTF-8 text \(.*latin\)/ },
  { name: 'too large', file: 'large', why: /is larger than 1 MiB \(.*large\)/ },
  { name: 'no name', file: '""', why: /key_file: names no file/ },
]) {
  test(`a key file that cannot be used: ${name}`, () => {
    const message = faults(withKey(file));
    assert.match(message, why);
    assert.match(message, /config\.yaml:1:\d+: providers\[0\]\.load_balancing\.api_keys\[0\]/);
    assert.doesNotMatch(message, /marked/);
    assert.equal(message.split('\n').length, 1);
  });
}

test('a file that everyone may read is used, with a warning', () => {
  const config = load(withKey('open'));
  assert.equal(keyOf(config), 'marked-secret-open');
  assert.match(config.warnings[0]?.message ?? '', /everyone on this machine can read .*open/);
  assert.doesNotMatch(JSON.stringify(config.warnings), /marked/);
});

test('api_key_file, token_file and a token in a file are read too, and read again', () => {
  const text = `
server:
  auth_tokens: [{ file: crlf }, plain]
  clients: [{ name: ann, token_file: absolute }]
providers: [{ name: cerebras, api_key_file: key }]
`;
  const config = load(text);
  assert.equal(keyOf(config), 'marked-secret-key');
  assert.deepEqual(config.server.authTokens, ['marked-secret-crlf', 'plain']);
  assert.equal(config.server.clients[0]?.token, 'marked-secret-absolute');
  for (const secret of ['key', 'crlf', 'absolute']) {
    assert.ok(config.secrets.includes(`marked-secret-${secret}`), secret);
  }
  write('absolute', 'marked-secret-renewed\n');
  assert.equal(load(text).server.clients[0]?.token, 'marked-secret-renewed');
});

test('a token without a file, and one in a file that is not there', () => {
  assert.match(faults(`server: { auth_tokens: [{}] }${LOCAL}`), /auth_tokens\[0\]: has no file/);
  const text = `server: { auth_tokens: [{ file: nope }] }${LOCAL}`;
  assert.match(faults(text), /auth_tokens\[0\]\.file: cannot be read: ENOENT/);
});
