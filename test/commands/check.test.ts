import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CheckOptions, check, renderCheck, renderFaults } from '../../lib/commands/check.ts';
import { good } from '../support/configs.ts';

const SECRETS = ['csk-0123456789abWXYZ', 'short-key', 'client-token-1'];

const TEXT = `
server: { api_key_required: true, auth_tokens: [client-token-1], bind_address: "::1" }
environment_models: { haiku: a, sonnet: glm-4.6, opus: nobody }
models: { "gpt-*": p/a }
providers:
  - name: p
    endpoint: http://localhost/v1
    models: [a, { id: glm-4.6, upstream: zai-glm-4.6 }]
    headers: { x-team: ${SECRETS[1]} }
    output_sizing: off
    affinity_max_wait: 0
    error_rules: [{ status: [429, 503], code: "7", text: busy, scope: model, action: cool, rest: 3s }]
    load_balancing:
      api_keys:
        - { key: ${SECRETS[0]}, name: work, org: acme, weight: 2, max_requests_per_minute: 60 }
        - { key: ${SECRETS[1]}, max_tokens_per_day: 5000 }
  - { name: q, endpoint: "https://example.com/v1", models: [glm-4.6], api_key: "\${Q}" }
limits: { max_concurrent: 9, queue: { max_depth: 7, max_wait: 90s, spill_after: 500ms } }
state: { file: state/here.json }
`;

test('check shows routes, providers, keys, limits and warnings', () => {
  const lines = renderCheck(good(TEXT)).split('\n');
  for (const line of [
    'c.yaml: ok',
    '  address    http://[::1]:5730',
    '  clients    a token is asked for, 1 configured',
    '  rule gpt-*    -> p/a -> p',
    '  model glm-4.6 -> glm-4.6 -> p, q (disabled)',
    '  tier haiku    -> a -> p',
    '  tier opus     -> nobody -> nobody: 404',
    '  tier default  -> none: 404',
    '  p',
    '    preset generic, protocol openai, strategy least_used',
    '    endpoint http://localhost/v1',
    '    models   a, glm-4.6 (as zai-glm-4.6)',
    '    headers  x-team',
    '    output   as much as the client asks for',
    '    output   no more is asked for than the provider reserves at most',
    '    affinity none',
    '    affinity a session waits up to 2s for the org with its prompts',
    '    error    429, 503 code 7 text /busy/i: cool model 3s, no_room (rate_limit)',
    '    key work  org acme  weight 2  ****WXYZ  60 requests/min',
    '    key key-2  org of its own  weight 1  ****  5000 tokens/day',
    '  q (disabled: no key)',
    '  limits   9 at the same time',
    '  queue    7 requests, each for 90s at most',
    '  spill    to the next provider when the wait is over 500ms',
    '  file     state/here.json',
    'c.yaml:17:5: warning: providers[1]: no key is left: this provider is disabled',
  ]) {
    assert.ok(lines.includes(line), `${line}\n---\n${lines.join('\n')}`);
  }
});

test('check shows no secret', () => {
  const shown = renderCheck(good(TEXT));
  for (const secret of SECRETS) assert.ok(!shown.includes(secret));
  assert.ok(!shown.includes('abWXYZ'));
});

test('check shows clients with their limits, and nothing of their tokens', () => {
  const shown = renderCheck(
    good(`
server:
  clients:
    - { name: ann, token: marked-token-1, requests_per_minute: 5, tokens_per_day: 7 }
    - { name: bob, token: marked-token-2, models: [glm-4.6, "claude-*"] }
${TEXT.replace(/^server:.*$/m, '')}`),
  );
  for (const line of [
    '  clients    a token is asked for, 2 configured',
    '  client ann  5 requests/min, 7 tokens/day  models all',
    '  client bob  no limit  models glm-4.6, claude-*',
  ]) {
    assert.ok(shown.split('\n').includes(line), `${line}\n---\n${shown}`);
  }
  assert.ok(!shown.includes('marked'));
});

test('faults: one a line', () => {
  const fault = { file: 'f', line: 1, column: 2, message: 'a: b' };
  assert.equal(renderFaults([fault, fault]), 'f:1:2: a: b\nf:1:2: a: b');
});

const cwd = mkdtempSync(join(tmpdir(), 'cooldown-check-'));
after(() => rmSync(cwd, { recursive: true }));
writeFileSync(join(cwd, 'good.yaml'), TEXT);
writeFileSync(join(cwd, 'bad.yaml'), 'server: { prot: 1 }\nprovider: []\n');

function run(options: CheckOptions, env = {}): { code: number; out: string; err: string } {
  const [out, err]: [string[], string[]] = [[], []];
  const code = check(
    options,
    env,
    cwd,
    (text) => out.push(text),
    (text) => err.push(text),
  );
  return { code, out: out.join(''), err: err.join('') };
}

test('exit 0: the result goes out', () => {
  const { code, out, err } = run({ config: 'good.yaml', port: 9 });
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /good\.yaml: ok\n.*:9\n/s);
});

test('exit 1: every fault with its place', () => {
  const { code, out, err } = run({ config: 'bad.yaml' });
  assert.deepEqual([code, out], [1, '']);
  const file = join(cwd, 'bad.yaml');
  assert.ok(
    err.includes(`${file}:1:11: unknown key "prot" in server; did you mean "port"?\n`),
    err,
  );
  assert.ok(err.includes(`${file}:2:1: unknown key "provider" at the top level; did you mean`));
});

test('exit 1: a file that is not there', () => {
  const { code, err } = run({ config: 'nope.yaml' });
  assert.equal(code, 1);
  assert.match(err, /nope\.yaml:1:1: -config names a file that does not exist\n$/);
});

test('exit 0: keys of the environment are a configuration', () => {
  const { code, out } = run({}, { CEREBRAS_API_KEY: 'csk-0123456789abWXYZ' });
  assert.equal(code, 0);
  assert.match(out, /^environment: ok\n.*key key-1 .* \*{4}WXYZ {2}no limit/s);
});

test('exit 2: nothing at all', () => {
  const { code, err } = run({});
  assert.equal(code, 2);
  assert.match(err, /Three ways to start/);
});
