/**
 * Has the configuration file changed? (`server.watch`)
 *
 * Looks instead of listening: a look follows links, so that it sees a file that is edited, replaced
 * by a rename, or reached through a link that is turned to another folder (config maps), on any
 * file system. Must stay true: a change is told once, after it has stood still for one look; a file
 * that is gone is no change until it is back.
 */
import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const GONE = '';

export class WatchedFile {
  readonly #path: string;
  #known: string;
  /** A change that has to be seen once more. */
  #settling = GONE;
  #timer: NodeJS.Timeout | undefined;

  /** What is in the file now counts as known: make this before it is read. */
  constructor(path: string) {
    this.#path = path;
    this.#known = this.#markNow();
  }

  /** The file is about to be read. */
  note(): void {
    this.#known = this.#markNow();
  }

  /** Looks every `everyMs` from now on; without effect when it does already. */
  start(everyMs: number, onChange: () => void): void {
    this.#timer ??= setInterval(() => void this.look(onChange), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One look. Never rejects, unless `onChange` throws. */
  async look(onChange: () => void): Promise<void> {
    const mark = await stat(this.#path, { bigint: true }).then(markOf, () => GONE);
    if (mark === GONE || mark === this.#known) {
      this.#settling = GONE;
    } else if (mark !== this.#settling) {
      this.#settling = mark;
    } else {
      this.#known = mark;
      this.#settling = GONE;
      onChange();
    }
  }

  #markNow(): string {
    try {
      return markOf(statSync(this.#path, { bigint: true }));
    } catch {
      return GONE;
    }
  }
}

interface Marks {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Differs whenever the content may. */
function markOf({ dev, ino, size, mtimeNs, ctimeNs }: Marks): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
