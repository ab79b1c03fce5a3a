import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, good, LOCAL, warningsOf } from '../support/configs.ts';

const PORT = '1:17: server.port: wants a whole number from 0 to 65535, found';
const LEVELS = 'debug, info, warn, error, silent';
const DURATION = 'a duration such as 500ms, 30s, 10m, 1h or a number of seconds';

for (const { name, text, want, env = {} } of [
  {
    name: 'unknown key at the top',
    text: 'sever: {}',
    want: '1:1: unknown key "sever" at the top level; did you mean "server"?',
  },
  {
    name: 'a known key one level up',
    text: 'port: 1',
    want: '1:1: unknown key "port" at the top level; did you mean "server.port"?',
  },
  {
    name: 'host',
    text: 'server:\n  host: x',
    want: '2:3: unknown key "host" in server; did you mean "bind_address"?',
  },
  {
    name: 'misspelt',
    text: 'server: { prot: 1 }',
    want: '1:11: unknown key "prot" in server; did you mean "port"?',
  },
  {
    name: 'camel case',
    text: 'server: { bindAddress: x }',
    want: '1:11: unknown key "bindAddress" in server; did you mean "bind_address"?',
  },
  {
    name: 'belongs elsewhere',
    text: 'server: { log_level: info }',
    want: '1:11: unknown key "log_level" in server; did you mean "monitoring.log_level"?',
  },
  {
    name: 'nothing like it',
    text: 'server: { xyzzy: info }',
    want: '1:11: unknown key "xyzzy" in server',
  },
  {
    name: 'not a mapping',
    text: 'server: 5',
    want: '1:9: server: wants a mapping, found a single value',
  },
  {
    name: 'list for a mapping',
    text: 'server: [1]',
    want: '1:9: server: wants a mapping, found a list',
  },
  {
    name: 'port too large',
    text: 'server: { port: 65536 }',
    want: '1:17: server.port: wants a whole number from 0 to 65535, found 65536',
  },
  {
    name: 'port negative',
    text: 'server: { port: -1 }',
    want: '1:17: server.port: wants a whole number from 0 to 65535, found -1',
  },
  {
    name: 'port not whole',
    text: 'server: { port: 1.5 }',
    want: '1:17: server.port: wants a whole number from 0 to 65535, found 1.5',
  },
  {
    name: 'port as a string',
    text: 'server: { port: "80" }',
    want: '1:17: server.port: wants a whole number from 0 to 65535, found a string',
  },
  {
    name: 'port as a mapping',
    text: 'server: { port: {} }',
    want: '1:17: server.port: wants a single value, found a mapping',
  },
  {
    name: 'port without a value',
    text: 'server:\n  port:',
    want: '2:8: server.port: has no value; give one or leave the key out',
  },
  {
    name: 'port from a variable',
    text: `server: { port: "\${P}" }`,
    env: { P: 'x' },
    want: `${PORT} another text in the variable`,
  },
  {
    name: 'variable not set',
    text: `server:\n  port: "\${P}"`,
    want: '2:9: server.port: the variable P is not set and has no default',
  },
  {
    name: 'variables not set',
    text: `environment_models: { opus: "\${P}-\${Q}" }`,
    want: '1:29: environment_models.opus: the variable Q is not set and has no default',
  },
  {
    name: 'malformed variable',
    text: `environment_models: { opus: "\${P" }`,
    want: `1:29: environment_models.opus: a "\${" is not closed; a literal one is written "$\${"`,
  },
  {
    name: 'boolean',
    text: 'server: { api_key_required: 1 }',
    want: '1:29: server.api_key_required: wants true or false, found a number',
  },
  {
    name: 'a string that looks like a number',
    text: 'environment_models: { opus: 5 }',
    want: '1:29: environment_models.opus: wants a string, found a number: put it in quotes',
  },
  {
    name: 'word',
    text: 'monitoring: { log_level: debgu }',
    want: `1:26: monitoring.log_level: must be one of ${LEVELS}; did you mean "debug"?`,
  },
  {
    name: 'duration',
    text: 'server: { shutdown_timeout: soon }',
    want: `1:29: server.shutdown_timeout: wants ${DURATION}`,
  },
  {
    name: 'duration too long',
    text: 'limits: { queue: { max_wait: 25h } }',
    want: '1:30: limits.queue.max_wait: must be from 0ms to 1d',
  },
  {
    name: 'size',
    text: 'server: { max_body_bytes: 0 }',
    want: '1:27: server.max_body_bytes: must be from 1 bytes to 536870912 bytes',
  },
  {
    name: 'negative limit',
    text: 'limits: { max_concurrent: -1 }',
    want: '1:27: limits.max_concurrent: wants a whole number from 0 to 2147483647, found -1',
  },
  {
    name: 'list expected',
    text: 'server: { auth_tokens: abc }',
    want: '1:24: server.auth_tokens: wants a list, found a single value',
  },
  {
    name: 'list item',
    text: 'reasoning_injection: { models: [a, {}] }',
    want: '1:36: reasoning_injection.models[1]: wants a single value, found a mapping',
  },
]) {
  test(`fault: ${name}`, () =>
    assert.ok(faultsOf(text + LOCAL, env).includes(want), faultsOf(text + LOCAL, env).join('\n')));
}

for (const { path, text } of [
  { path: 'server.tls', text: 'server: { tls: { cert: x } }' },
  { path: 'state.redis', text: 'state: { redis: x }' },
  { path: 'state.on_failure', text: 'state: { on_failure: x }' },
  { path: 'monitoring.dashboard', text: 'monitoring: { dashboard: true }' },
]) {
  test(`reserved: ${path}`, () => {
    const [fault = '', ...others] = faultsOf(text + LOCAL);
    assert.ok(fault.includes(`${path}: reserved for a later version`), fault);
    assert.deepEqual(others, []);
  });
}

test('all faults at once, in the order of the file', () => {
  const faults = faultsOf(`monitoring: { log_level: loud }
server:
  prot: 1
  port: 70000
  tls: yes
providers:
  - { name: a b, endpoint: nowhere, models: [m, m] }
limits: { max_concurrent: many }
`);
  const lines = faults.map((fault) => Number(fault.split(':', 1)[0]));
  assert.deepEqual(lines, [1, 3, 4, 5, 7, 7, 7, 8]);
});

for (const { given, want } of [
  { given: '5731', want: 5731 },
  { given: ' 5731 ', want: 5731 },
  { given: '0', want: 0 },
]) {
  test(`a variable stands for a number: "${given}"`, () => {
    assert.equal(good(`server: { port: "\${P:5730}" }${LOCAL}`, { P: given }).server.port, want);
  });
}

test('variables stand for booleans, words, durations and parts of strings', () => {
  const text = `
server: { api_key_required: "\${B}", auth_tokens: ["a-\${T}"], shutdown_timeout: "\${S}s" }
monitoring: { log_level: "\${L:warn}", metrics_enabled: "\${B}", health_endpoint: "/\${H}" }
${LOCAL}`;
  const { server, monitoring } = good(text, { B: 'TRUE', T: 'tok', S: '5', H: 'up' });
  assert.equal(server.apiKeyRequired, true);
  assert.deepEqual(server.authTokens, ['a-tok']);
  assert.equal(server.shutdownTimeoutMs, 5_000);
  assert.equal(monitoring.logLevel, 'warn');
  assert.equal(monitoring.healthEndpoint, '/up');
});

test('sections with nothing in them are as good as absent', () => {
  const config = good(`server:\nlimits:\n  queue:\nmodels:\nmonitoring: {}\n${LOCAL}`);
  assert.equal(config.server.port, 5_730);
  assert.equal(config.limits.queue.maxDepth, 1_000);
});

test('keys of an older guide are accepted whatever they hold, with a warning each', () => {
  for (const value of ['5', '[a]', '{ b: c }', `"\${UNSET}"`, '~']) {
    const warnings = warningsOf(`rate_limits: ${value}\ndefault_rate_limit: ${value}${LOCAL}`);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /^1:1: rate_limits: .* has no effect$/);
    assert.match(warnings[1] ?? '', /^2:1: default_rate_limit: .* has no effect$/);
  }
});

test('names of JavaScript are no keys', () => {
  for (const key of ['__proto__', 'constructor', 'toString']) {
    assert.match(faultsOf(`server: { ${key}: {} }${LOCAL}`)[0] ?? '', /unknown key/);
  }
});
