/** Configurations: any text is taken, or every fault of it is told with its place. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { ConfigError } from '../../lib/config/faults.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import type { Config } from '../../lib/config/types.ts';
import { ROOT } from '../support/source.ts';
import { fuzzWhenStarted } from './main.ts';
import type { FuzzTarget } from './target.ts';

const SECRET = 'sk-a-secret-of-this-test';
const ENV = { KEY: SECRET, CEREBRAS_API_KEY_1: SECRET, EMPTY: '', URL: 'http://127.0.0.1:9/v1' };
const MAX_WORD_CHARS = 60;
const MAX_FAULTS_IN_WORD = 4;

const EXAMPLES = readdirSync(`${ROOT}config`)
  .filter((name) => /yaml/.test(name))
  .map((name) => readFileSync(`${ROOT}config/${name}`, 'utf8'));

const SMALL = `providers:
  - { name: local, endpoint: "\${URL}", models: [m, { id: n, upstream: o, vision: true }], api_key: "\${KEY}" }
limits: { requests_per_minute: 5, queue: { max_wait: 1s, max_depth: 10 } }
models: { "claude-*": m, "gpt-?": local/n }
`;

const RULES = `providers:
  - name: zhipu
    load_balancing:
      strategy: weighted_random
      api_keys: [{ key: "\${KEY}", name: a, weight: 2, max_tokens_per_minute: 5 }, "\${EMPTY}"]
    error_rules:
      - { status: 429, text: "(a+)+$", scope: key, action: cool, rest: 5s }
    timeouts: { connect: 1s, first_byte: 2s, idle: 3s }
server: { port: 0, max_body_bytes: 1MiB, auth_tokens: ["\${KEY}"], api_key_required: true }
`;

const WORDS = [
  ...['providers:', '- name: ', 'preset: ', 'endpoint: ', 'models: ', 'api_key: ', 'api_keys: '],
  ...['load_balancing:', 'strategy: ', 'least_used', 'limits:', 'queue:', 'server:', 'port: '],
  ...['bind_address: ', 'auth_tokens: ', 'environment_models:', 'reasoning:', 'state:', 'logging:'],
  ...['monitoring:', 'timeouts:', 'headers: ', 'error_rules:', 'text: ', 'scope: ', 'action: '],
  ...['cerebras', 'zhipu', 'anthropic', 'generic', `$\{KEY}`, `$\{NONE}`, `$\{NONE:x}`, '$$' + '{'],
  ...['http://', 'https://user:pw@h/', '127.0.0.1', '0.0.0.0', '::1', '32MiB', '1h', '-1s', '1e9'],
  ...['&a', '*a', '<<: *a', '!!binary ', '!!js/function ', '? ', '| ', '>-\n', '%YAML 1.1', '---'],
  ...['...', '{', '}', '[', ']', ',', ': ', '- ', '"', "'", '#', '\n', '  ', '\t', '~', 'null'],
  ...['true', '.inf', '.nan', '0x1F', '0o17', '2001-01-01', '\ufeff', '\u0000', '[[[[[[[[', '{a: '],
  ...['*', '?', '(a+)+$', '__proto__: ', 'constructor: ', 'toString: ', '\\x', '\r\n', '%', '@'],
];

function load(text: string): Config | ConfigError {
  try {
    return parseConfig(text, 'fuzz.yaml', ENV);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown;
    throw thrown;
  }
}

function checkFaults({ faults }: Pick<ConfigError, 'faults'>, text: string): string {
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const { file, line, column, message } of faults) {
    assert.equal(file, 'fuzz.yaml');
    assert.ok(Number.isInteger(line) && line >= 1 && line <= lines + 1, `line ${line} of ${lines}`);
    assert.ok(Number.isInteger(column) && column >= 1, `column ${column}`);
    assert.ok(message !== '' && message.length < 10_000, 'a message of sane length');
    assert.ok(!message.includes(SECRET), 'no message holds a secret');
  }
  return faults
    .slice(0, MAX_FAULTS_IN_WORD)
    .map(({ message }) => message.replace(/"[^"]*"|\d+/g, '0').slice(0, MAX_WORD_CHARS))
    .join();
}

function check(input: Buffer): string {
  const text = input.toString();
  const loaded = load(text);
  if (loaded instanceof ConfigError) {
    assert.ok(loaded.faults.length > 0, 'a refusal says why');
    return checkFaults(loaded, text);
  }
  assert.ok(Object.isFrozen(loaded) || loaded.providers.length > 0);
  const { port, maxBodyBytes } = loaded.server;
  assert.ok(port >= 0 && port <= 65_535 && maxBodyBytes > 0);
  for (const provider of loaded.providers) assert.ok(URL.canParse(provider.endpoint));
  return `good ${loaded.providers.length} ${checkFaults({ faults: loaded.warnings }, text)}`;
}

export const config: FuzzTarget = {
  name: 'config',
  seeds: [SMALL, RULES, ...EXAMPLES],
  words: WORDS,
  maxBytes: 16 * 1024,
  maxCaseMs: 2_000,
  start: () => ({ check }),
};

await fuzzWhenStarted(import.meta.url, config);
