/**
 * What is wrong in a configuration, and where: all of it at once.
 *
 * Must stay true: a message never quotes a value that could be a secret, and what is known to be
 * one is cut out of every message before it leaves.
 */
import type { Fault } from './types.ts';

/** A spot in the file and the path of the key there, such as `providers[0].endpoint`. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

export const FILE_START: Place = { line: 1, column: 1, path: '' };

/** A configuration that cannot be used. `faults` holds every reason, in the order of the file. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(faultLine).join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** `file:line:column: message`, the form that editors and terminals make clickable. */
export function faultLine(fault: Fault): string {
  return `${fault.file}:${fault.line}:${fault.column}: ${fault.message}`;
}

/** Shorter texts are not searched for: they would blank out ordinary words. */
const MIN_CUT_CHARS = 6;

/** Collects the faults and warnings of one configuration. */
export class Faults {
  readonly file: string;
  readonly #errors: Fault[] = [];
  readonly #warnings: Fault[] = [];
  readonly #sensitive = new Set<string>();

  constructor(file: string) {
    this.file = file;
  }

  /** Something that keeps the configuration from being used. The path of the place goes first. */
  error(place: Place, text: string): void {
    this.#errors.push(this.#fault(place, text));
  }

  /** Something doubtful that is used all the same. */
  warn(place: Place, text: string): void {
    this.#warnings.push(this.#fault(place, text));
  }

  /** Remembers a text that no message may hold. */
  hide(secret: string): void {
    if (secret.length >= MIN_CUT_CHARS) this.#sensitive.add(secret);
  }

  get failed(): boolean {
    return this.#errors.length > 0;
  }

  errors(): readonly Fault[] {
    return this.#finish(this.#errors);
  }

  warnings(): readonly Fault[] {
    return this.#finish(this.#warnings);
  }

  #fault(place: Place, text: string): Fault {
    const message = place.path === '' ? text : `${place.path}: ${text}`;
    return { file: this.file, line: place.line, column: place.column, message };
  }

  #finish(faults: readonly Fault[]): readonly Fault[] {
    const secrets = [...this.#sensitive].sort((a, b) => b.length - a.length);
    const cut = (text: string) => secrets.reduce((rest, s) => rest.replaceAll(s, '****'), text);
    return faults
      .map((fault) => ({ ...fault, message: cut(fault.message) }))
      .sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
