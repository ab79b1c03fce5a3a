/**
 * What the program says about itself: one line an event, JSON for machines, pretty for a terminal.
 *
 * Must stay true: a line is one line whatever a client or provider put into a value; every text
 * passes `redact`; logging never throws (a log that cannot be written must not stop a request).
 */
import type { LogLevel } from '../config/types.ts';

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
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'pretty';
  /** Colours in the pretty format. Default: none. */
  readonly colour?: boolean;
  /** Takes one line with its newline. May throw (EPIPE, EAGAIN): the line is then counted as
   *  lost. */
  readonly write: (line: string) => void;
  readonly redact: (text: string) => string;
  /** Wall clock in ms. */
  readonly now: () => number;
}

type Level = Exclude<LogLevel, 'silent'>;
type Format = (level: Level, timeMs: number, message: string, fields: Cleaned) => string;
type Cleaned = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

const RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

/** Makes a log. Levels below `level` are the same empty function and cost nothing. */
export function makeLog(options: LogOptions): Log {
  const { level: threshold, write, redact, now } = options;
  const format = options.format === 'json' ? formatJson : prettyFormat(options.colour ?? false);
  let lost = 0;
  const writer = (level: Level): Write => {
    if (RANK[level] < RANK[threshold]) return () => {};
    return (message, fields) => {
      const cleaned = clean(fields, redact, lost);
      try {
        write(format(level, now(), redact(message), cleaned));
        lost = 0;
      } catch {
        lost += 1; // the next line that can be written says how many
      }
    };
  };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
  };
}

/** Redacts before anything is escaped, so that an escape is never cut in two. */
function clean(
  fields: LogFields | undefined,
  redact: (text: string) => string,
  lost: number,
): Cleaned {
  const cleaned: Record<string, Cleaned[string]> = {};
  for (const name in fields) {
    const value = (fields as Readonly<Record<string, LogValue>>)[name];
    if (value === undefined) continue;
    if (typeof value === 'string') cleaned[name] = redact(value);
    else if (typeof value === 'object' && value !== null) cleaned[name] = value.map(redact);
    else cleaned[name] = value;
  }
  if (lost > 0) cleaned.lost_lines = lost;
  return cleaned;
}

function formatJson(level: Level, timeMs: number, message: string, fields: Cleaned): string {
  const time = new Date(timeMs).toISOString();
  return `${escapeControls(JSON.stringify({ time, level, msg: message, ...fields }))}\n`;
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
function prettyFormat(colour: boolean): Format {
  const paint = (code: string, text: string) => (colour ? `${code}${text}${PLAIN}` : text);
  return (level, timeMs, message, fields) => {
    const word = paint(COLOURS[level], level.toUpperCase().padEnd(5));
    const head = `${paint(DIM, localTime(timeMs))} ${word}`;
    const tail = Object.entries(fields).map(
      ([name, value]) => `${paint(DIM, `${name}=`)}${prettyValue(value)}`,
    );
    const text = `${head} ${escapeControls(message)}`;
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

function prettyValue(value: Cleaned[string]): string {
  if (typeof value !== 'string') return escapeControls(JSON.stringify(value));
  const quoted = value === '' || /[\s"=]/.test(value);
  return escapeControls(quoted ? JSON.stringify(value) : value);
}

/** What moves a cursor, starts an escape sequence, breaks a line or turns the writing direction.
 *  The escape is JSON's own, so a JSON line stays one. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

function escapeControls(text: string): string {
  return text.replace(CONTROLS, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
