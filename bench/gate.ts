/**
 * `make gate BASE=main`: is the work tree slower than that revision?
 *
 * Both are built in temporary worktrees and measured in pairs of fresh processes, the order turned
 * with every pair. CASES (names or parts of micro cases, scenarios of `make load`; default a few of
 * each), PAIRS (15), SECONDS (1, of one load), TRANSPORT (auto). Exit 1 only when the whole
 * confidence interval of a ratio is beyond 1.05 (micro) or 1.10 (load): a trembling machine fails
 * nobody.
 */

import { fileURLToPath } from 'node:url';
import { asProgram } from './as-program.ts';
import { type GateCase, gateCases, wordsOf } from './gates/cases.ts';
import { type LoadBench, loadCost, microCost } from './gates/cost.ts';
import { checkOut } from './gates/revisions.ts';
import { gateTable, type Judgement, judgePairs } from './gates/verdict.ts';
import { Processes } from './load/processes.ts';
import { type Compiled, compileWithMaps } from './profiles/compiled.ts';
import { numberFrom } from './settings.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const EVENTS = 100;
const FEWEST_PAIRS = 15;

const base = process.env.BASE || 'main';
const words = wordsOf(process.env.CASES ?? '');
const pairs = Math.round(numberFrom('PAIRS', FEWEST_PAIRS));
const seconds = numberFrom('SECONDS', 1);
const say = (text: string) => process.stdout.write(`${text}\n`);
const told = (line: string) => process.stderr.write(`… ${line}\n`);

interface Sides {
  readonly before: Compiled;
  readonly now: Compiled;
}

async function measurePairs(one: GateCase, { before, now }: Sides, bench: LoadBench) {
  const cost = async (side: Compiled) =>
    one.kind === 'micro'
      ? microCost(side, one.file, one.name)
      : loadCost(bench, side, one.scenario);
  const measured: [number, number][] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) measured.push([await cost(before), await cost(now)]);
    else {
      const last = await cost(now);
      measured.push([await cost(before), last]);
    }
  }
  return measured;
}

async function main(): Promise<number> {
  if (pairs < FEWEST_PAIRS) say(`PAIRS=${pairs} is a look; a judgement takes ${FEWEST_PAIRS}`);
  const cases = await gateCases(words);
  const processes = new Processes();
  const revisions = checkOut(ROOT, base);
  try {
    told(`building ${base} (${revisions.base.slice(0, 9)}) and the work tree`);
    const sides = {
      before: compileWithMaps(revisions.before, 'whatever the types'),
      now: compileWithMaps(revisions.now),
    };
    const upstreams = await processes.upstreams(EVENTS);
    const bench = { processes, upstreams, client: await processes.client(), seconds };
    const judgements: Judgement[] = [];
    for (const one of cases) {
      told(`${one.kind}: ${one.name}`);
      try {
        const measured = await measurePairs(one, sides, bench);
        judgements.push(judgePairs({ name: one.name, kind: one.kind, pairs: measured }));
      } catch (thrown) {
        say(`left out: ${one.name}: ${String(thrown).split('\n').slice(0, 2).join(' ')}`);
      }
    }
    say(gateTable(judgements));
    const slower = judgements.filter(({ word }) => word === 'slower');
    for (const { name, ratio } of slower) say(`FAIL  ${name}: ${ratio.median.toFixed(2)} times`);
    if (slower.length === 0) say(`PASS  nothing is slower than ${base}, as far as can be told`);
    if (judgements.length === 0) return 1;
    return slower.length === 0 || pairs < FEWEST_PAIRS ? 0 : 1;
  } finally {
    await processes.stop();
    revisions.remove();
  }
}

await asProgram(main);
