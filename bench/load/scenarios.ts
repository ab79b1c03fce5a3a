/** What can `make load` send? Each scenario is an endpoint, a size, and whether it streams. */
import type { Endpoint, Size } from './bodies.ts';

export interface Scenario {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly size: Size;
  readonly stream: boolean;
  readonly what: string;
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'json',
    endpoint: 'openai',
    size: '1 KB',
    stream: false,
    what: 'chat completions passed through, JSON, 1 KB',
  },
  {
    name: 'sse',
    endpoint: 'openai',
    size: '1 KB',
    stream: true,
    what: 'chat completions passed through, SSE, 1 KB',
  },
  {
    name: 'messages',
    endpoint: 'anthropic',
    size: '1 KB',
    stream: false,
    what: 'Messages translated, JSON, 1 KB',
  },
  {
    name: 'messages-sse',
    endpoint: 'anthropic',
    size: '1 KB',
    stream: true,
    what: 'Messages translated, SSE, 1 KB',
  },
  {
    name: 'claude-code',
    endpoint: 'anthropic',
    size: '100 KB',
    stream: true,
    what: 'a Claude Code turn of 100 KB, translated, SSE',
  },
  {
    name: 'large',
    endpoint: 'openai',
    size: '100 KB',
    stream: false,
    what: 'the same turn as chat completions, passed through, JSON',
  },
];

/** All scenarios for an empty name. Throws a RangeError that lists the names. */
export function scenariosNamed(name: string): readonly Scenario[] {
  if (name === '') return SCENARIOS;
  const found = SCENARIOS.filter((scenario) => scenario.name === name);
  if (found.length > 0) return found;
  const names = [...SCENARIOS.map((scenario) => scenario.name), 'quota'].join(', ');
  throw new RangeError(`no scenario is called ${JSON.stringify(name)}; there are ${names}`);
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
