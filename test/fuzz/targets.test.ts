/** Every entry of the corpus, and a few hundred cases of each target that are always the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from './corpus.ts';
import { fuzz, reasonOf } from './engine.ts';
import { TARGETS } from './targets.ts';

const SEED = 1;
const CASES = 300;
/** Those that open sockets. */
const SLOW = ['http', 'transports'];
const SLOW_CASES = 100;

for (const target of TARGETS)
  test(`fuzz: ${target.name}`, async (t) => {
    const checker = await target.start();
    t.after(() => checker.close?.());
    for (const { file, bytes } of readCorpus(target.name)) {
      const { reason } = await reasonOf({ ...target, maxCaseMs: Infinity }, checker, bytes);
      assert.equal(reason, '', `${target.name}/${file}: ${reason}`);
    }
    const most = SLOW.includes(target.name) ? SLOW_CASES : CASES;
    // Other tests run beside this one: only a run by itself can tell what takes too long.
    const { finding } = await fuzz({ ...target, maxCaseMs: Infinity }, checker, {
      seed: SEED,
      goesOn: (cases) => cases < most,
    });
    const input = finding?.input.toString('latin1').slice(0, 2_000) ?? '';
    assert.equal(finding, null, `${finding?.reason}\n${JSON.stringify(input)}`);
  });
