/**
 * Is this text a tool call that lost its form? Servers of GLM and Qwen sometimes pass on the
 * model's own notation as text, and the client's agent stops because it sees no call:
 *
 *    <tool_call>Read\n<arg_key>file_path</arg_key>\n<arg_value>/a</arg_value>\n</tool_call>
 *    <tool_call>{"name": "Read", "arguments": {"file_path": "/a"}}</tool_call>
 *
 *    PLAIN --<tool_call>--> INSIDE --</tool_call>, flush, or too long--> PLAIN
 *
 * Must stay true: any cutting of the text gives the same result; only a call of an offered tool in
 * exactly this notation is taken out, everything else stays text, character by character.
 */
import { MAX_TEXT_CALL_CHARS } from '../../limits.ts';
import { asRecord } from './loose.ts';
import { argumentText } from './tool-arguments.ts';

const OPEN = '<tool_call>';
const CLOSE = '</tool_call>';
const KEY_OPEN = '<arg_key>';
const KEY_CLOSE = '</arg_key>';
const VALUE_OPEN = '<arg_value>';
const VALUE_CLOSE = '</arg_value>';

export interface TextCallSink {
  plainText(run: string): void;
  /** A call of an offered tool; `json` is the text of its arguments. */
  textCall(name: string, json: string): void;
}

interface FoundCall {
  readonly name: string;
  readonly json: string;
}

export class TextCalls {
  readonly #sink: TextCallSink;
  readonly #offered: (name: string) => boolean;
  #inside = false;
  /** Outside: what may be the start of OPEN. */
  #held = '';
  /** Inside: everything since OPEN, and its end, in which CLOSE may have begun. */
  #pieces: string[] = [];
  #length = 0;
  #tail = '';

  constructor(sink: TextCallSink, offered: (name: string) => boolean) {
    this.#sink = sink;
    this.#offered = offered;
  }

  take(run: string): void {
    if (!this.#inside && this.#held === '' && !run.includes('<')) {
      this.#sink.plainText(run);
      return;
    }
    let rest = run;
    while (rest !== '') rest = this.#inside ? this.#takeInside(rest) : this.#takeOutside(rest);
  }

  /** No text follows, or something else comes in between. A call that only lacks its end counts. */
  flush(): void {
    const held = this.#held;
    this.#held = '';
    if (this.#inside) this.#finishCall('');
    else if (held !== '') this.#sink.plainText(held);
  }

  /** Gives what follows an opening tag, '' when there is none. */
  #takeOutside(run: string): string {
    const text = this.#held + run;
    const at = text.indexOf(OPEN);
    const end = at === -1 ? text.length - tagStartLength(text) : at;
    this.#inside = at !== -1;
    this.#held = this.#inside ? '' : text.slice(end);
    if (end > 0) this.#sink.plainText(text.slice(0, end));
    return this.#inside ? text.slice(at + OPEN.length) : '';
  }

  /** Gives what follows the closing tag, '' when there is none. Looks at every character once. */
  #takeInside(run: string): string {
    const text = this.#tail + run;
    const at = text.indexOf(CLOSE);
    this.#pieces.push(run);
    this.#length += run.length;
    this.#tail = text.slice(1 - CLOSE.length);
    if (at === -1) {
      if (this.#length > MAX_TEXT_CALL_CHARS) this.#finishCall('');
      return '';
    }
    const after = text.slice(at + CLOSE.length);
    this.#pieces = [this.#pieces.join('').slice(0, at - text.length)];
    this.#finishCall(CLOSE);
    return after;
  }

  #finishCall(close: string): void {
    const inner = this.#pieces.join('');
    this.#inside = false;
    this.#pieces = [];
    this.#length = 0;
    this.#tail = '';
    const call = inner.length > MAX_TEXT_CALL_CHARS ? undefined : callIn(inner);
    const whole = close !== '' || call?.json !== '{}'; // a bare name may be the start of anything
    if (call !== undefined && whole && this.#offered(call.name)) {
      this.#sink.textCall(call.name, call.json);
    } else this.#sink.plainText(OPEN + inner + close);
  }
}

/** How many characters at the end of the text may be the start of OPEN. */
function tagStartLength(text: string): number {
  const at = text.lastIndexOf('<');
  return at !== -1 && OPEN.startsWith(text.slice(at)) ? text.length - at : 0;
}

function callIn(inner: string): FoundCall | undefined {
  return inner.trimStart().startsWith('{') ? jsonCall(inner) : taggedCall(inner);
}

function jsonCall(inner: string): FoundCall | undefined {
  const call = asRecord(parsed(inner));
  const given = asRecord(call?.arguments ?? call?.parameters ?? {});
  if (typeof call?.name !== 'string' || given === undefined) return undefined;
  return { name: call.name, json: argumentText(given) };
}

/** The name, then pairs of key and value and nothing else. Linear in the length of the text. */
function taggedCall(inner: string): FoundCall | undefined {
  const start = inner.indexOf(KEY_OPEN);
  const name = (start === -1 ? inner : inner.slice(0, start)).trim();
  const given: [string, unknown][] = [];
  let rest = start === -1 ? '' : inner.slice(start);
  while (rest.trim() !== '') {
    const key = tagged(rest, KEY_OPEN, KEY_CLOSE);
    const value = key && tagged(key.rest, VALUE_OPEN, VALUE_CLOSE);
    if (key === undefined || value === undefined) return undefined;
    given.push([key.text.trim(), typed(value.text)]);
    rest = value.rest;
  }
  return { name, json: argumentText(Object.fromEntries(given)) };
}

function tagged(
  text: string,
  open: string,
  close: string,
): { readonly text: string; readonly rest: string } | undefined {
  const start = text.trimStart();
  const end = start.indexOf(close);
  if (!start.startsWith(open) || end === -1) return undefined;
  return { text: start.slice(open.length, end), rest: start.slice(end + close.length) };
}

const NOT_A_STRING = /^(?:true|false|null|-?\d+(?:\.\d+)?|\[.*\]|\{.*\})$/s;

/** GLM writes strings bare and all else as JSON; which one was meant, only the form tells. */
function typed(value: string): unknown {
  const json = NOT_A_STRING.test(value) ? parsed(value) : undefined;
  return json === undefined ? value : json;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
