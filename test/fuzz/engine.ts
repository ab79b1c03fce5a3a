/**
 * The loop: mutate, check, keep what did something new. The seed and the corpus make a run.
 *
 * A finding is an input whose check throws, takes too much processor time, or does not end; or a
 * heap that grows over many cases. It is made smaller as long as it fails, and saved.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seeded } from '../support/seeded.ts';
import { readCorpus } from './corpus.ts';
import { mutate } from './mutate.ts';
import type { Checker, FuzzTarget } from './target.ts';

const MAX_POOL_BYTES = 8 * 1024 * 1024;
const MAX_OUTCOMES = 20_000;
const MAX_TRIALS = 600;
const MAX_TRIAL_MS = 30_000;
/** Cases after which caches are full and code is compiled; growth is counted from there. */
const WARM_CASES = 3_000;
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;
const MIB = 1024 * 1024;

export interface Finding {
  readonly input: Buffer;
  readonly reason: string;
}

export interface Outcome {
  readonly cases: number;
  /** Different things that happened. */
  readonly outcomes: number;
  readonly finding: Finding | null;
  readonly heap: string;
}

export interface FuzzRun {
  readonly seed: number;
  /** Called before each case; false ends the run. */
  goesOn(cases: number, input: Buffer): boolean;
}

/** Runs until `goesOn` says no, or something is found. */
export async function fuzz(target: FuzzTarget, checker: Checker, run: FuzzRun): Promise<Outcome> {
  const pool = startOf(target);
  const seen = new Set<string>();
  const heap = new Heap();
  let cases = 0;
  let poolBytes = 0;
  for (;;) {
    const chance = seeded(run.seed + cases * 7919);
    const input = mutate(pool, target.words, target.maxBytes, chance);
    if (!run.goesOn(cases, input)) break;
    cases += 1;
    const outcome = await reasonOf(target, checker, input);
    if (outcome.reason !== '') {
      const { reason } = outcome;
      const tries = (trial: Buffer) => run.goesOn(cases, trial);
      const small = await smaller(target, checker, input, tries);
      const finding = { input: small, reason };
      return { cases, outcomes: seen.size, finding, heap: heap.told };
    }
    if (!seen.has(outcome.word) && seen.size < MAX_OUTCOMES) {
      seen.add(outcome.word);
      poolBytes += input.length;
      // Memory of its own: what is cut from Node's slabs would hold 8 KiB each.
      if (poolBytes < MAX_POOL_BYTES) pool.push(Buffer.alloc(input.length, input));
    }
    heap.look(cases);
  }
  heap.end();
  const finding = heap.grew ? { input: Buffer.alloc(0), reason: `heap: ${heap.told}` } : null;
  return { cases, outcomes: seen.size, finding, heap: heap.told };
}

/** The inputs that mutation starts from: never empty. */
function startOf(target: FuzzTarget): Buffer[] {
  const seeds = target.seeds.map((seed) => Buffer.from(seed));
  const corpus = readCorpus(target.name).map(({ bytes }) => bytes);
  return [...seeds, ...corpus].map((bytes) => bytes.subarray(0, target.maxBytes));
}

interface Judged {
  /** Empty: all is well. */
  readonly reason: string;
  readonly word: string;
}

/** Looks at one input; never rejects. */
export async function reasonOf(
  target: FuzzTarget,
  checker: Checker,
  input: Buffer,
): Promise<Judged> {
  const first = await judge(target, checker, input);
  if (!first.reason.startsWith('slow:')) return first;
  return await judge(target, checker, input); // a compiler or a collector may have run the first time
}

async function judge(target: FuzzTarget, checker: Checker, input: Buffer): Promise<Judged> {
  const before = process.cpuUsage();
  try {
    const given = checker.check(input);
    const word = typeof given === 'string' ? given : await given;
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1_000;
    const reason = tookMs > target.maxCaseMs ? `slow: ${Math.round(tookMs)} ms of processor` : '';
    return { reason, word };
  } catch (thrown) {
    return {
      reason: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
      word: '',
    };
  }
}

/** A part of the input that still fails: ranges are left out, large ones first, while that holds. */
async function smaller(
  target: FuzzTarget,
  checker: Checker,
  input: Buffer,
  tries: (trial: Buffer) => void,
): Promise<Buffer> {
  let small = input;
  const endMs = performance.now() + MAX_TRIAL_MS;
  let trials = 0;
  for (let size = Math.ceil(small.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < small.length; ) {
      if (++trials > MAX_TRIALS || performance.now() > endMs) return small;
      const without = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      tries(without);
      if ((await reasonOf(target, checker, without)).reason === '') at += size;
      else small = without;
    }
  }
  return small;
}

/** The heap after a collection, at the beginning and at the end. */
class Heap {
  readonly #collect: () => void;
  #warmBytes = 0;
  #endBytes = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
  }

  look(cases: number): void {
    if (cases === WARM_CASES) this.#warmBytes = this.#used();
  }

  end(): void {
    if (this.#warmBytes > 0) this.#endBytes = this.#used();
  }

  get grew(): boolean {
    return this.#endBytes - this.#warmBytes > MAX_GROWTH_BYTES;
  }

  get told(): string {
    if (this.#endBytes === 0) return 'not measured';
    return [this.#warmBytes, this.#endBytes].map((bytes) => (bytes / MIB).toFixed(1)).join(' -> ');
  }

  #used(): number {
    this.#collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + Math.max(external, arrayBuffers);
  }
}
