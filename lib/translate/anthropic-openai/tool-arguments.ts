/**
 * What are the arguments of a tool call so far, and are they whole?
 *
 * A JSON object is passed on as it comes, character by character. Anything else is held to the end,
 * because only then it is known what it is. Must stay true: what is given out was never given
 * before, and nothing follows the closing brace (some providers repeat all in the last chunk).
 */
import { asRecord } from './loose.ts';

const EMPTY_OBJECT = '{}';

export class ToolArguments {
  /** Received, not yet given out. */
  #pending = '';
  #given = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #complete = false;
  /** The first character is no `{`. */
  #foreign = false;

  /** Something came. */
  get started(): boolean {
    return this.#given || this.#pending !== '';
  }

  /** The closing brace came. */
  get complete(): boolean {
    return this.#complete;
  }

  append(piece: string): void {
    let rest = this.started ? piece : piece.trimStart();
    while (rest !== '') {
      if (this.#complete && !this.#restart(rest)) return;
      this.#foreign ||= !this.started && rest[0] !== '{';
      const length = this.#foreign ? rest.length : this.#scan(rest);
      this.#pending += rest.slice(0, length);
      rest = rest.slice(length).trimStart();
    }
  }

  /** What can be given out now. A bare `{}` waits: some providers send it ahead of the rest. */
  take(): string {
    if (this.#foreign || (!this.#given && this.#complete && this.#pending === EMPTY_OBJECT)) {
      return '';
    }
    return this.#giveAll();
  }

  /** What is left to give out at the end of the call. */
  takeLast(): string {
    if (this.#foreign) this.#pending = objectIn(this.#pending);
    this.#foreign = false;
    return this.#giveAll();
  }

  #giveAll(): string {
    const out = this.#pending;
    this.#pending = '';
    this.#given ||= out !== '';
    return out;
  }

  /** After a bare `{}` another object may come and takes its place. */
  #restart(rest: string): boolean {
    if (this.#given || this.#pending !== EMPTY_OBJECT || rest[0] !== '{') return false;
    this.#pending = '';
    this.#complete = false;
    return true;
  }

  /** Goes on through a JSON object; gives how many characters of `text` belong to it. */
  #scan(text: string): number {
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (this.#inString) this.#scanString(char);
      else if (char === '"') this.#inString = true;
      else if (char === '{' || char === '[') this.#depth += 1;
      else if (char === '}' || char === ']') this.#depth -= 1;
      if (this.#depth === 0) {
        this.#complete = true;
        return at + 1;
      }
    }
    return text.length;
  }

  #scanString(char: string | undefined): void {
    if (this.#escaped) this.#escaped = false;
    else if (char === '\\') this.#escaped = true;
    else if (char === '"') this.#inString = false;
  }
}

/** Arguments as they stand in a fragment: text, or an object that should have been text. */
export function argumentText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  try {
    return JSON.stringify(value);
  } catch {
    return EMPTY_OBJECT; // nested deeper than JSON.stringify can go
  }
}

/** The JSON object in a text: the text itself, or one that was encoded twice; else an empty one. */
export function objectIn(text: string): string {
  const value = parsed(text);
  if (asRecord(value) !== undefined) return text;
  if (typeof value === 'string' && asRecord(parsed(value)) !== undefined) return value;
  return EMPTY_OBJECT;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
