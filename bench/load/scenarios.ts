/** What can `make load` send? Each scenario is an endpoint, a size, and whether it streams. */
import type { Endpoint, Size } from './bodies.ts';

export interface Scenario {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly size: Size;
  readonly stream: boolean;
  readonly what: string;
}

const WORDS = { openai: 'chat completions passed through', anthropic: 'Messages translated' };

const scenario = (name: string, endpoint: Endpoint, size: Size, stream: boolean): Scenario => ({
  name,
  endpoint,
  size,
  stream,
  what: `${WORDS[endpoint]}, ${stream ? 'SSE' : 'JSON'}, ${size}`,
});

/** 50 KB is a turn of Claude Code in the middle of a session, 400 KB one near its end. */
export const SCENARIOS: readonly Scenario[] = [
  scenario('json', 'openai', '1 KB', false),
  scenario('json-50kb', 'openai', '50 KB', false),
  scenario('json-400kb', 'openai', '400 KB', false),
  scenario('sse', 'openai', '1 KB', true),
  scenario('sse-50kb', 'openai', '50 KB', true),
  scenario('sse-400kb', 'openai', '400 KB', true),
  scenario('messages', 'anthropic', '1 KB', false),
  scenario('messages-50kb', 'anthropic', '50 KB', false),
  scenario('messages-400kb', 'anthropic', '400 KB', false),
  scenario('messages-sse', 'anthropic', '1 KB', true),
  scenario('messages-sse-50kb', 'anthropic', '50 KB', true),
  scenario('messages-sse-400kb', 'anthropic', '400 KB', true),
  scenario('claude-code', 'anthropic', '100 KB', true),
  scenario('large', 'openai', '100 KB', false),
];

/** Scenarios with a program of their own. */
export const OTHERS = ['quota', 'streams', 'stall', 'threads', 'idle'];

/** All scenarios for an empty name, several with commas. Throws a RangeError that lists the names. */
export function scenariosNamed(name: string): readonly Scenario[] {
  if (name === '') return SCENARIOS;
  return name.split(',').map((word) => {
    const found = SCENARIOS.find((each) => each.name === word.trim());
    if (found !== undefined) return found;
    const names = [...SCENARIOS.map((each) => each.name), ...OTHERS].join(', ');
    throw new RangeError(`no scenario is called ${JSON.stringify(word)}; there are ${names}`);
  });
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/;

/** The base URL of a proxy that may be put under load: plain HTTP on this machine, nothing else.
 *  Throws a RangeError. */
export function loopbackUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'http:' || !LOOPBACK.test(url.hostname)) {
    throw new RangeError(
      `only a proxy on this machine is put under load, as http://127.0.0.1:PORT; not ${text}`,
    );
  }
  return url;
}
