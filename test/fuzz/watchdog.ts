/**
 * What if a case never ends? A thread beside the fuzzer sees that nothing moves any more, saves the
 * input that is being looked at, and ends the process: nothing in the process itself could.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const HANG_MS = 20_000;
const LOOK_MS = 500;
/** A thread does not inherit the loader of TypeScript. */
const ENTRY = `
  import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
    .then(({ register }) => { register(); return import(${JSON.stringify(import.meta.url)}); });
`;

/** Int32 cells before the input: how many cases there were, and the length of this one. */
const HEAD_CELLS = 2;

interface Shared {
  readonly buffer: SharedArrayBuffer;
  readonly name: string;
  /** A folder that ends in a slash. */
  readonly folder: string;
}

export class Watchdog {
  readonly #head: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #worker: Worker;

  constructor(name: string, folder: string, maxBytes: number) {
    const buffer = new SharedArrayBuffer(4 * HEAD_CELLS + maxBytes);
    this.#head = new Int32Array(buffer, 0, HEAD_CELLS);
    this.#bytes = new Uint8Array(buffer, 4 * HEAD_CELLS);
    const shared: Shared = { buffer, name, folder };
    this.#worker = new Worker(ENTRY, { eval: true, workerData: shared });
    this.#worker.unref();
  }

  /** The next case begins. */
  looksAt(input: Buffer): void {
    this.#bytes.set(input);
    this.#head[1] = input.length;
    Atomics.add(this.#head, 0, 1);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

function watch({ buffer, name, folder }: Shared): void {
  const head = new Int32Array(buffer, 0, HEAD_CELLS);
  let seen = 0;
  let stillMs = 0;
  setInterval(() => {
    const now = Atomics.load(head, 0);
    stillMs = now === seen ? stillMs + LOOK_MS : 0;
    seen = now;
    if (seen === 0 || stillMs < HANG_MS) return;
    const input = new Uint8Array(buffer, 4 * HEAD_CELLS).slice(0, head[1]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}found-hang.bin`, input);
    process.stderr.write(`${name}: HANG, see ${folder}found-hang.bin\n`);
    process.kill(process.pid, 'SIGKILL');
  }, LOOK_MS);
}

if (!isMainThread && workerData !== null) watch(workerData as Shared);
