import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ask } from '../support/http-client.ts';
import { folder, program } from '../support/program.ts';

const GOOD = `
server: { port: 0 }
providers: [{ name: local, endpoint: "http://127.0.0.1:9/v1", models: [glm-4.6] }]
`;
const BAD = 'server: { prot: 1 }\nproviders: [{ name: p, endpoint: nonsense, models: [a] }]\n';

test('a bad configuration: every fault with its place, exit 1, nothing started', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'bad.yaml'), BAD);
  const run = program(t, ['run', '-config', 'bad.yaml', '-port', '0'], { cwd });
  assert.deepEqual([await run.ended, run.out], [1, '']);
  assert.match(run.err, /bad\.yaml:1:11: unknown key "prot" in server; did you mean "port"\?/);
  assert.match(run.err, /bad\.yaml:2:\d+: .*endpoint/);
});

test('nothing is configured: the three ways to start, exit 2', async (t) => {
  const run = program(t, []);
  assert.equal(await run.ended, 2);
  assert.equal(run.out, '');
  for (const way of ['cooldown-proxy demo', 'CEREBRAS_API_KEY', '-config']) {
    assert.ok(run.err.includes(way), way);
  }
});

test('keys in the environment are enough; options win over defaults', async (t) => {
  const env = { CEREBRAS_API_KEY: 'csk-secret-77', ZAI_API_KEY_1: 'zai-secret-77' };
  const run = program(t, ['-port', '0', '-bind', '127.0.0.1'], { env });
  const url = await run.listening();
  const [line] = run.lines('listening');
  assert.deepEqual(
    [line?.level, line?.address, line?.config],
    ['info', '127.0.0.1', 'environment'],
  );
  const health = JSON.parse((await ask(`${url}/health`)).text);
  const names = health.providers.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ['cerebras', 'zai']);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
  assert.doesNotMatch(run.out + run.err, /secret-77/);
});

test('the file is found: $COOLDOWN_CONFIG, then ./config.yaml', async (t) => {
  const cwd = folder(t);
  writeFileSync(join(cwd, 'config.yaml'), GOOD);
  writeFileSync(join(cwd, 'other.yaml'), GOOD);
  const here = program(t, [], { cwd });
  const named = program(t, [], { cwd, env: { COOLDOWN_CONFIG: 'other.yaml' } });
  await here.listening();
  await named.listening();
  assert.match(String(here.lines('listening')[0]?.config), /\/config\.yaml$/);
  assert.match(String(named.lines('listening')[0]?.config), /\/other\.yaml$/);
});
