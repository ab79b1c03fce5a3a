/** A short run of chaos: `make chaos SECONDS=60` is the long one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CLIENT_ACTS, turnOf, UPSTREAM_ACTS } from './chaos/plan.ts';

const RUN = fileURLToPath(new URL('chaos/run.ts', import.meta.url));

test('a seed gives the same turns again, and all of what can happen', () => {
  const turns = Array.from({ length: 500 }, (_, at) => turnOf(7, `a${at}`));
  assert.deepEqual(turns[3], turnOf(7, 'a3'));
  assert.notDeepEqual(turns[3], turnOf(8, 'a3'));
  assert.equal(new Set(turns.map(({ client }) => client)).size, CLIENT_ACTS.length);
  assert.equal(new Set(turns.flatMap(({ acts }) => acts)).size, UPSTREAM_ACTS.length);
});

test('everything at once for a moment: nothing is lost, doubled or left behind', async () => {
  const env = { ...process.env, SECONDS: '2', CLIENTS: '30', SEED: '1' };
  const running = promisify(execFile)(process.execPath, ['--import', 'tsx', RUN], { env });
  const { stdout } = await running.catch((failed: { stdout: string }) =>
    assert.fail(failed.stdout),
  );
  assert.match(stdout, /answer: \d+/);
});
