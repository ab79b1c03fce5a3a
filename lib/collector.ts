/**
 * What does this program want of V8, the engine that runs it, beyond what it does by itself?
 *
 * Where many objects of one origin outlive a collection of the young generation, V8 begins to make
 * all of that origin in the old one. Requests under way are such objects, but nearly all others
 * made there are dead within milliseconds: they stay until the whole heap is marked, and with them
 * all that they point to. Without it a collection of 11 MB took 2 ms instead of 8, and the heap was
 * marked never instead of once in 6,000 requests (1 KB each, 32 at a time, Node 20).
 *
 * Bodies lie outside of the heap, but count for the moment at which all of it is marked. V8 takes a
 * program that makes few objects for one whose heap will hardly grow, and marked it every 200
 * requests of 100 KB, for a third of their time. Now it may grow to four times of what lived at the
 * last mark, which is what V8 gives a program that makes many objects; collections of the young
 * generation, which bodies cause too, let go of them long before.
 *
 * A start is other work than what follows: each line of it runs once, and all that it loads stays.
 * V8 takes the first for code worth optimizing, and the second for a young generation that is too
 * small, and an idle proxy would hold 10 MiB for both.
 *
 * A request runs nearly every function of its road once, so all of them are hot in the same moment.
 * Node 24 has two compilers, and takes the first after 400 calls. Of 600 functions that it compiled
 * within a second, what that took was kept until a thread had time to throw it away: 20 MiB that
 * never went back to the system. Now who takes the code throws it away. The better compiler comes
 * after 3,000 calls more, anew where something else was seen meanwhile, and the proxy needed 15,000
 * requests to be as fast as it gets. It needs 6,000 when that comes after 1,000.
 *
 * Must stay true: this ends when it listens; who told V8 how to compile, or how large the young
 * generation is, is heeded.
 */
import { setFlagsFromString } from 'node:v8';

/** Each with what V8 does by itself: there is no way to ask what is in force. */
const WHILE_STARTING = [
  { flag: '--no-turbofan', usual: '--turbofan' },
  { flag: '--semi-space-growth-factor=1', usual: '--semi-space-growth-factor=2' },
] as const;

/** Once it listens, for V8 13, which is Node 24's: another may not know them, or compile otherwise. */
const ONCE_STARTED = {
  major: '13.',
  flags: ['--invocation-count-for-turbofan=1000', '--no-maglev-destroy-on-background'],
} as const;

/** Options that say how to compile, or how large the young generation is. */
const ABOUT_THESE = /turbo|opt|jit|lite|maglev|sparkplug|semi.space|predictable/;

let starting = false;

/** What is the same for all of a life. */
const ALWAYS = ['--no-allocation-site-pretenuring', '--heap-growing-percent=300'] as const;

/** For all threads, from here on. A V8 that does not know them says so on stderr, and goes on. */
export function tuneCollector(): void {
  for (const flag of ALWAYS) setFlagsFromString(flag);
}

/** Until `endStart`: neither optimizes, nor lets the young generation grow. `given` are the options
 *  that Node was started with. */
export function beginStart(given: readonly string[]): void {
  if (given.some((option) => ABOUT_THESE.test(option))) return;
  starting = true;
  for (const { flag } of WHILE_STARTING) setFlagsFromString(flag);
}

/** `v8Version` as in `process.versions.v8`. False, and nothing is changed, where nothing was begun:
 *  others say what V8 is to do. */
export function endStart(v8Version: string): boolean {
  if (!starting) return false;
  starting = false;
  for (const { usual } of WHILE_STARTING) setFlagsFromString(usual);
  if (v8Version.startsWith(ONCE_STARTED.major)) {
    for (const flag of ONCE_STARTED.flags) setFlagsFromString(flag);
  }
  return true;
}
