/**
 * Has a head like this one come from here before? Then only its values have to be read.
 *
 * A provider writes the same fields in the same order, most of them with the same values. The last
 * head of each shape is kept; the next one is compared with it, byte by byte, and only a value that
 * has changed is checked and cut out.
 *
 *     kept:   HTTP/1.1 200 OK | date: Mon, 23 ... 30:07 | x-left: 9 | server: x | (blank)
 *     new:    HTTP/1.1 200 OK | date: Mon, 23 ... 30:12 | x-left: 10 | server: x | (blank)
 *                                                 ^ new value    ^ longer       ^ same again
 *
 * Must stay true: what is recalled is what reading it anew would give; what is no head, or not all
 * of one, is never recalled; a head that turns out to be another one changes nothing here.
 */
import { MAX_KNOWN_HEAD_BYTES, MAX_KNOWN_HEADS } from '../../limits.ts';
import { addField, type Fields, trimmed } from './fields.ts';

/** What was read from a head. */
interface Head {
  readonly status: number;
  readonly minorVersion: number;
  readonly fields: Fields;
}

interface Line {
  readonly name: string;
  /** The name as it is spelled, the colon and the blanks behind it. */
  readonly startBytes: number;
  value: string;
  /** Its bytes in all, line end included; and in the head that is being compared. */
  bytes: number;
  newBytes: number;
  changed: boolean;
}

/** Where more shapes come than are kept, one in so many is kept: to look at one costs as much as to
 *  read it. */
const PATIENCE = 16;

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DEL = 0x7f;

export class KnownHead {
  readonly status: number;
  readonly minorVersion: number;
  /** Of the head that was recalled last, with its blank line. */
  bytes: number;
  fields: Fields;
  /** The head that was recalled last. */
  readonly #kept = Buffer.allocUnsafeSlow(MAX_KNOWN_HEAD_BYTES);
  readonly #statusBytes: number;
  readonly #lines: readonly Line[];
  /** The fields, to be copied; null where a name is repeated, or is none that objects can have. */
  readonly #latest: Fields | null;

  /** `text`: a head of at most so many bytes, read without a fault, with its blank line. */
  constructor(text: string, { status, minorVersion, fields }: Head) {
    this.status = status;
    this.minorVersion = minorVersion;
    this.fields = fields;
    this.bytes = text.length;
    this.#kept.write(text, 'latin1');
    const [statusLine = '', ...lines] = text.split('\r\n').slice(0, -2);
    this.#statusBytes = statusLine.length + 2;
    this.#lines = lines.map(lineOf);
    // Parsed, since an object to which many keys were added one by one is a slow dictionary.
    const single = Object.keys(fields).length === lines.length;
    this.#latest = single ? JSON.parse(JSON.stringify(fields)) : null;
  }

  /** Takes the head at `at`. False: it differs in more than values. */
  recall(bytes: Buffer, at: number, end: number): boolean {
    const stop = this.#compare(bytes, at, Math.min(end, at + MAX_KNOWN_HEAD_BYTES));
    if (stop < 0) return false;
    this.#take(bytes, at, stop);
    return true;
  }

  /** Where the head ends, -1: it is another one, or not whole. Notes which lines have changed. */
  #compare(bytes: Buffer, from: number, end: number): number {
    const kept = this.#kept;
    let at = sameUntil(kept, 0, this.#statusBytes, bytes, from, end);
    if (at - from < this.#statusBytes) return -1;
    let line = this.#statusBytes;
    for (const entry of this.#lines) {
      const same = sameUntil(kept, line, line + entry.bytes, bytes, at, end) - at;
      if (same < entry.startBytes) return -1;
      entry.changed = same < entry.bytes;
      entry.newBytes = entry.changed
        ? valueEnd(bytes, at + entry.startBytes, end) - at
        : entry.bytes;
      if (entry.newBytes < 0) return -1;
      line += entry.bytes;
      at += entry.newBytes;
    }
    return at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : -1;
  }

  /** The new values, out of one string. */
  #take(bytes: Buffer, from: number, stop: number): void {
    let text = '';
    let at = this.#statusBytes;
    for (const line of this.#lines) {
      if (line.changed) {
        if (text === '') text = bytes.toString('latin1', from, stop);
        line.value = trimmed(text, at + line.startBytes, at + line.newBytes - 2);
        line.bytes = line.newBytes;
        if (this.#latest !== null) this.#latest[line.name] = line.value;
      }
      at += line.bytes;
    }
    if (text !== '') bytes.copy(this.#kept, 0, from, stop);
    this.bytes = stop - from;
    this.fields = this.#latest === null ? joined(this.#lines) : { ...this.#latest };
  }
}

/** The heads that came from one address. */
export class KnownHeads {
  /** The one that was recalled last stands first. */
  readonly #heads: KnownHead[] = [];
  #unknown = 0;

  /** The shape of the head at `at`, with its fields; undefined: none that is known. */
  recall(bytes: Buffer, at: number, end: number): KnownHead | undefined {
    const heads = this.#heads;
    for (let nth = 0; nth < heads.length; nth++) {
      const head = heads[nth] as KnownHead;
      if (!head.recall(bytes, at, end)) continue;
      heads[nth] = heads[0] as KnownHead;
      heads[0] = head;
      return head;
    }
    return undefined;
  }

  /** Keeps a head that was read without a fault. Where no two are alike that is seldom done. */
  remember(text: string, head: Head): void {
    if (text.length > MAX_KNOWN_HEAD_BYTES) return;
    const full = this.#heads.length >= MAX_KNOWN_HEADS;
    if (full && ++this.#unknown % PATIENCE !== 0) return;
    if (full) this.#heads.pop();
    this.#heads.push(new KnownHead(text, head));
  }
}

/** Where in `[from, end)` the bytes stop being those of `kept[at, to)`. */
function sameUntil(
  kept: Buffer,
  at: number,
  to: number,
  bytes: Buffer,
  from: number,
  end: number,
): number {
  const count = Math.min(to - at, end - from);
  let nth = 0;
  while (nth < count && kept[at + nth] === bytes[from + nth]) nth++;
  return from + nth;
}

/** Behind the line end of the value at `at`; 0: it is none, or not whole. */
function valueEnd(bytes: Buffer, at: number, end: number): number {
  for (let nth = at; nth < end - 1; nth++) {
    const byte = bytes[nth] as number;
    if (byte === CR) return bytes[nth + 1] === LF ? nth + 2 : 0;
    if ((byte < SPACE && byte !== TAB) || byte === DEL) return 0;
  }
  return 0;
}

function joined(lines: readonly Line[]): Fields {
  const fields: Fields = {};
  for (const { name, value } of lines) addField(fields, name, value);
  return fields;
}

/** Of a line that was read without a fault. */
function lineOf(text: string): Line {
  const colon = text.indexOf(':');
  let startBytes = colon + 1;
  while (text[startBytes] === ' ' || text[startBytes] === '\t') startBytes++;
  return {
    name: text.slice(0, colon).toLowerCase(),
    startBytes,
    value: trimmed(text, startBytes, text.length),
    bytes: text.length + 2,
    newBytes: 0,
    changed: false,
  };
}
