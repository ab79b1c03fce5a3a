/**
 * What is a micro case? One operation of lib on fixed data, and the answer it must give.
 *
 * A file of bench/micro exports `cases`. Each is measured in a process of its own (measure.ts), and
 * runs once in the tests with its answer checked. Must stay true: `setup` alone prepares; the
 * function it gives does the same work on every call, however often it is called.
 */
export interface Case {
  /** `what variant`, unique over all files. */
  readonly name: string;
  /** What one operation is: `request`, `event`, `body` … */
  readonly unit: string;
  /** Operations that one call does. */
  readonly operations: number;
  /** Bytes that one operation reads; 0 where that says nothing. */
  readonly bytes: number;
  setup(): () => unknown;
  /** Throws when what a call gave is not the right answer. */
  check(result: unknown): void;
}

/** What a file of bench/micro exports. */
export interface CaseFile {
  readonly cases: readonly Case[];
}
