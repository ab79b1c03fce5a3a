/**
 * What the program says about itself: one line an event, JSON for machines, pretty for a terminal.
 *
 * Must stay true: a line is one line whatever a client or provider put into a value; every text
 * passes `redact`; logging never throws (a log that cannot be written must not stop a request);
 * lines that wait are out before the program is (`flush`).
 */
import type { LogLevel } from '../config/types.ts';
import { MAX_LOG_BATCH_CHARS, MAX_REMEMBERED_TEXT_CHARS, MAX_REMEMBERED_TEXTS } from '../limits.ts';

export type LogValue = string | number | boolean | null | undefined | readonly string[];

/** Names in snake_case. Undefined values are left out; the three heads of a line are taken. */
export type LogFields = Readonly<Record<string, LogValue>> & {
  readonly time?: never;
  readonly level?: never;
  readonly msg?: never;
};

type Write = (message: string, fields?: LogFields) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** Writes what waits (`LogOptions.later`). For the end of the program: warnings and errors
   *  do not wait. */
  readonly flush: () => void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
  /** Colours in the pretty format. Default: none. */
  readonly colour?: boolean;
  /** Takes whole lines with their newlines. May throw (EPIPE, EAGAIN): the lines are then counted
   *  as lost. */
  readonly write: (lines: string) => void;
  /** Calls back soon, as at the end of this turn of the event loop, so that the lines until then
   *  are one write (a write to a pipe that wakes its reader costs more than making the line).
   *  Default: each line is written at once. */
  readonly later?: (flush: () => void) => void;
  readonly redact: (text: string) => string;
  /** Wall clock in ms. */
  readonly now: () => number;
}

type Level = Exclude<LogLevel, 'silent'>;
type Fields = Readonly<Record<string, LogValue>>;
type Format = (level: Level, timeMs: number, message: string, fields: Fields) => string;

const RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

/** Makes a log. Levels below `level` are the same empty function and cost nothing. */
export function makeLog(options: LogOptions): Log {
  const { level: threshold, redact, now } = options;
  const format =
    options.format === 'json' ? jsonFormat(redact) : prettyFormat(redact, options.colour ?? false);
  const lines = new Lines(options);
  const writer = (level: Level): Write => {
    if (RANK[level] < RANK[threshold]) return () => {};
    const waits = RANK[level] < RANK.warn;
    return (message, fields = {}) => {
      try {
        const lost = lines.takeLost();
        const told = lost === 0 ? fields : { ...fields, lost_lines: lost };
        lines.add(format(level, now(), message, told));
      } catch {
        lines.countLost();
      }
      if (!waits) lines.flush();
    };
  };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    flush: () => lines.flush(),
  };
}

/** The lines of one turn, on their way out. */
class Lines {
  readonly #write: LogOptions['write'];
  readonly #later: LogOptions['later'];
  readonly #flush = () => this.flush();
  #text = '';
  #count = 0;
  #scheduled = false;
  /** Lines that could not be written, and how many of them the lines that wait tell about. */
  #lost = 0;
  #told = 0;

  constructor({ write, later }: LogOptions) {
    this.#write = write;
    this.#later = later;
  }

  add(line: string): void {
    this.#text += line;
    this.#count += 1;
    if (this.#later === undefined || this.#text.length >= MAX_LOG_BATCH_CHARS) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#later(this.#flush);
    }
  }

  countLost(): void {
    this.#lost += 1;
  }

  /** How many lines are missing, for the next line to tell. */
  takeLost(): number {
    const lost = this.#lost;
    this.#told += lost;
    this.#lost = 0;
    return lost;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#count === 0) return;
    const text = this.#text;
    const missing = this.#count + this.#told;
    this.#text = '';
    this.#count = 0;
    this.#told = 0;
    try {
      this.#write(text);
    } catch {
      this.#lost += missing;
    }
  }
}

/** What stands here was made by us of letters and digits, for one request only: there is nothing in
 *  it to redact or to escape, nor to remember. */
const OWN_NAME = 'request_id';

/** Redacts before anything is escaped, so that an escape is never cut in two. */
function jsonFormat(redact: (text: string) => string): Format {
  const quoted = remembering((text) => escapeControls(JSON.stringify(redact(text))));
  const value = (given: Exclude<LogValue, string | undefined>): string => {
    if (Number.isFinite(given)) return String(given);
    return Array.isArray(given) ? `[${given.map(quoted).join()}]` : JSON.stringify(given);
  };
  // Pieces are kept as they are put together: a line is forty of them, each made anew otherwise.
  const heads = remembering((name) => `,"${name}":`);
  const stampOf = stamping();
  return (level, timeMs, message, fields) => {
    let line = `{"time":"${stampOf(timeMs)}","level":"${level}","msg":${quoted(message)}`;
    for (const name in fields) {
      const given = fields[name];
      if (given === undefined) continue;
      line += heads(name);
      if (typeof given !== 'string') line += value(given);
      else line += name === OWN_NAME ? `"${given}"` : quoted(given);
    }
    return `${line}}\n`;
  };
}

/** Times as ISO 8601 in UTC; what is the same for all of a second is kept. */
function stamping(): (timeMs: number) => string {
  let second = Number.NaN;
  let start = '';
  return (timeMs) => {
    const now = Math.floor(timeMs / 1_000);
    if (now !== second) {
      start = new Date(now * 1_000).toISOString().slice(0, -4);
      second = now;
    }
    return `${start}${String(Math.floor(timeMs) - now * 1_000 + 1_000).slice(1)}Z`;
  };
}

/** Most texts of a log come again with each line: what `make` gives for those is looked up.
 *  Bounded: a full memory starts anew. */
function remembering(make: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const made = make(text);
    if (text.length > MAX_REMEMBERED_TEXT_CHARS) return made;
    if (known.size >= MAX_REMEMBERED_TEXTS) known.clear();
    known.set(text, made);
    return made;
  };
}

const COLOURS: Readonly<Record<Level, string>> = {
  debug: '\x1b[90m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};
const DIM = '\x1b[90m';
const PLAIN = '\x1b[0m';

/** `12:30:05.123 INFO  listening  address=127.0.0.1 port=5730`, in local time. */
function prettyFormat(redact: (text: string) => string, colour: boolean): Format {
  const paint = (code: string, text: string) => (colour ? `${code}${text}${PLAIN}` : text);
  return (level, timeMs, message, fields) => {
    const word = paint(COLOURS[level], level.toUpperCase().padEnd(5));
    const head = `${paint(DIM, localTime(timeMs))} ${word}`;
    const tail = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${paint(DIM, `${name}=`)}${prettyValue(value, redact)}`);
    const text = `${head} ${escapeControls(redact(message))}`;
    return tail.length === 0 ? `${text}\n` : `${text}  ${tail.join(' ')}\n`;
  };
}

function localTime(timeMs: number): string {
  const time = new Date(timeMs);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${clock.join(':')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function prettyValue(value: LogValue, redact: (text: string) => string): string {
  if (Array.isArray(value)) return escapeControls(JSON.stringify(value.map(redact)));
  if (typeof value !== 'string') return String(value);
  const text = redact(value);
  const quoted = text === '' || /[\s"=]/.test(text);
  return escapeControls(quoted ? JSON.stringify(text) : text);
}

/** What moves a cursor, starts an escape sequence, breaks a line or turns the writing direction.
 *  The escape is JSON's own, so a JSON line stays one. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

function escapeControls(text: string): string {
  return text.replace(CONTROLS, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
