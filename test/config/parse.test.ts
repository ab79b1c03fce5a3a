import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../lib/config/faults.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import { faultsOf, good, LOCAL } from '../support/configs.ts';

test('defaults of everything that may be left out', () => {
  const config = good(LOCAL);
  assert.equal(config.source, 'c.yaml');
  assert.deepEqual(config.server, {
    bindAddress: '127.0.0.1',
    port: 5_730,
    anthropicEndpoint: '/anthropic',
    openaiEndpoint: '/openai',
    apiKeyRequired: false,
    authTokens: [],
    clients: [],
    allowUnauthenticated: false,
    allowedOrigins: [],
    maxBodyBytes: 33_554_432,
    workers: 1,
    transport: 'auto',
    shutdownTimeoutMs: 30_000,
    watch: false,
  });
  assert.deepEqual(config.limits, {
    requestsPerMinute: 0,
    tokensPerMinute: 0,
    maxConcurrent: 0,
    queue: { maxDepth: 1_000, maxWaitMs: 120_000, spillAfterMs: 2_000 },
  });
  assert.deepEqual(config.reasoningInjection, {
    enabled: true,
    models: ['glm-4.6', 'glm-4.5-air'],
    promptTemplate: [
      'You are an expert reasoning model.',
      'Always think step by step before answering.',
      'Use interleaved thinking: plan → act → reflect',
      'Format your reasoning in <reasoning_content> blocks.',
      'Carry reasoning forward between tool calls.',
    ].join('\n'),
  });
  assert.deepEqual(config.monitoring, {
    metricsEnabled: true,
    healthEndpoint: '/health',
    prometheusEndpoint: '/metrics',
    logLevel: 'info',
    logFormat: 'auto',
  });
  assert.deepEqual([config.modelRules, config.secrets, config.warnings], [[], [], []]);
});

for (const { name, text, want } of [
  { name: 'empty', text: '', want: '1:1: the file is empty: list at least one provider' },
  { name: 'blank', text: '\n  \n', want: '1:1: the file is empty' },
  { name: 'only comments', text: '# a\n', want: '1:1: the file is empty' },
  { name: 'null', text: '~', want: '1:1: the file is empty' },
  { name: 'a list', text: '- a', want: '1:1: the file wants a mapping' },
  { name: 'a word', text: 'hello', want: '1:1: the file wants a mapping' },
]) {
  test(`text that is no configuration: ${name}`, () => {
    const faults = faultsOf(text);
    assert.equal(faults.length, 1);
    assert.ok(faults[0]?.startsWith(want), faults[0]);
  });
}

test('everything is frozen, all the way down', () => {
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (value instanceof Set || value instanceof RegExp) return;
    assert.ok(Object.isFrozen(value), path);
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(good(`models: { a: glm-4.6 }\nrate_limits: []${LOCAL}`), 'config');
});

test('secrets: keys and tokens, once each, longest first', () => {
  const config = good(`
server: { api_key_required: true, auth_tokens: [tok, a-longer-token, tok, ""] }
providers:
  - { name: a, endpoint: "http://localhost/v1", models: [m], api_key: key-of-a,
      headers: { x-auth: "Basic a-header-secret", x-team: blue } }
  - name: b
    endpoint: http://localhost/v1
    models: [m]
    load_balancing: { api_keys: [x, key-of-a, "  key-of-b\\n"] }
`);
  const inHeader = ['Basic a-header-secret', 'a-header-secret'];
  const others = ['a-longer-token', 'key-of-a', 'key-of-b', 'tok', 'x'];
  assert.deepEqual(config.secrets, [...inHeader, ...others]);
});

test('the prompt template loses its trailing newlines and its block indentation only', () => {
  const config = good(`reasoning_injection:
  enabled: false
  models: [GLM-4.6]
  prompt_template: |
    one
      two

${LOCAL}`);
  assert.equal(config.reasoningInjection.promptTemplate, 'one\n  two');
  assert.deepEqual(config.reasoningInjection.models, ['glm-4.6']);
});

test('no fault and no warning holds a secret, wherever it was put', () => {
  const secret = 'csk-a1b2c3d4e5';
  const env = { K: secret };
  const texts = [
    `providers: [{ name: openai, models: [${secret}, ${secret}], api_key: ${secret} }]`,
    `providers: [{ name: a, endpoint: "https://me:${secret}@h/v1", models: [m] }]`,
    `providers: [{ name: a, endpoint: "${secret}", models: [m] }]`,
    `providers: [{ name: cerebras, api_key: "a ${secret}" }]`,
    `providers: [{ name: cerebras, api_key: { key: ${secret} } }]`,
    `providers: [{ name: cerebras, load_balancing: { api_keys: [{ ${secret}: 1 }] } }]`,
    `providers: [{ name: cerebras, load_balancing: { api_keys: { ${secret}: 1 } } }]`,
    `providers: [{ name: cerebras, load_balancing: { strategy: ${secret} } }]`,
    `providers: [{ name: cerebras, api_key: "\${K}", rate_limiting: { type: "\${K}" } }]`,
    `providers: [{ name: cerebras, headers: { authorization: ${secret} } }]`,
    `providers: [{ name: cerebras, headers: { x-a: "${secret}\\r\\n" } }]`,
    `server: { auth_tokens: ["${secret} x"], port: "\${K}", api_key_required: ${secret} }`,
    `server: { auth_tokens: [${secret}] }\nmodels: { a: "\${K}" }${LOCAL}`,
  ];
  for (const text of texts) {
    let messages = '';
    try {
      messages = JSON.stringify(parseConfig(text, 'c.yaml', env).warnings);
    } catch (thrown) {
      assert.ok(thrown instanceof ConfigError);
      messages = thrown.message;
    }
    assert.notEqual(messages, '[]', text);
    assert.ok(!messages.includes(secret), messages);
  }
});

test('overrides win over the file and are checked like it', () => {
  const config = parseConfig(LOCAL, 'c.yaml', {}, { port: 0, bindAddress: '::1' });
  assert.deepEqual([config.server.port, config.server.bindAddress], [0, '::1']);
  assert.throws(() => parseConfig(LOCAL, 'c.yaml', {}, { bindAddress: '0.0.0.0' }), ConfigError);
});

const EVERYTHING = `
server:
  bind_address: 127.0.0.1
  port: 5730
  anthropic_endpoint: /anthropic
  openai_endpoint: /openai
  api_key_required: false
  auth_tokens: ["\${COOLDOWN_AUTH_TOKEN:}"]
  allow_unauthenticated: false
  allowed_origins: []
  max_body_bytes: 32MiB
  workers: 1 # a comment
  transport: auto
  shutdown_timeout: 30s
environment_models:
  haiku: "\${ANTHROPIC_DEFAULT_HAIKU_MODEL:glm-4.5-air}"
  sonnet: "\${ANTHROPIC_DEFAULT_SONNET_MODEL:glm-4.6}"
  opus: "\${ANTHROPIC_DEFAULT_OPUS_MODEL:glm-4.6}"
  default: ""
models:
  "claude-opus-4-*": glm-4.6
  "gpt-4o": cerebras/gpt-oss-120b
providers:
  - name: cerebras
    preset: cerebras
    protocol: openai
    endpoint: https://api.cerebras.ai/v1
    models:
      - glm-4.6
      - { id: glm-4.5-air, upstream: zai-glm-4.5-air, context_window: 131072,
          max_output_tokens: 40960, vision: false }
      - gpt-oss-120b
    load_balancing:
      strategy: least_used
      api_keys:
        - { key: "\${CEREBRAS_API_KEY_1}", name: work, org: acme, weight: 1,
            max_requests_per_minute: 60, max_tokens_per_minute: 150000,
            max_requests_per_day: 14400, max_tokens_per_day: 1000000, max_concurrent: 8 }
    # api_key: "\${ZHIPU_API_KEY}"
    rate_limiting:
      type: per_key_cerebras_headers
      safety_margin: 0.2
      backoff_threshold: 100
      requests_per_minute: 60
      tokens_per_minute: 0
      max_concurrent: 0
    timeouts: { connect: 10s, first_byte: 300s, idle: 300s }
    headers: {}
limits:
  requests_per_minute: 0
  tokens_per_minute: 0
  max_concurrent: 0
  queue: { max_depth: 1000, max_wait: 120s }
reasoning_injection:
  enabled: true
  models: [glm-4.6, glm-4.5-air]
  prompt_template: |
    think
monitoring:
  metrics_enabled: true
  health_endpoint: /health
  prometheus_endpoint: /metrics
  log_level: info
  log_format: auto
`;

test('every documented key, at once', () => {
  const config = good(EVERYTHING, { CEREBRAS_API_KEY_1: 'csk-one' });
  assert.deepEqual(config.warnings, []);
  assert.equal(config.providers[0]?.keys[0]?.maxConcurrent, 8);
  assert.equal(config.providers[0]?.models[1]?.upstream, 'zai-glm-4.5-air');
});

test('every key with one letter too many is told apart from the right one', () => {
  const keys = [...EVERYTHING.matchAll(/^ *([a-z_]+):/gm)].map(([, key]) => key ?? '');
  for (const key of new Set(keys)) {
    const text = EVERYTHING.replace(new RegExp(`^( *)${key}:`, 'm'), `$1${key}x:`);
    const faults = faultsOf(text, { CEREBRAS_API_KEY_1: 'k' });
    assert.ok(
      faults.some((fault) => fault.includes(`unknown key "${key}x"`) && fault.includes(`"${key}"`)),
      faults.join('\n'),
    );
  }
});
