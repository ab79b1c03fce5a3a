/** How the tests of the simulator talk to it: a real one on a free port, over real HTTP. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { TestContext } from 'node:test';
import { startSimulator } from '../../lib/simulator/simulator.ts';
import type { Simulator, SimulatorOptions } from '../../lib/simulator/types.ts';

/** Started for one test, closed after it. */
export async function started(t: TestContext, options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options);
  t.after(() => simulator.close());
  return simulator;
}

export interface Answered {
  /** 0 when the connection died before an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Whether the body came to its proper end. */
  readonly complete: boolean;
}

export interface Asking {
  readonly path?: string;
  readonly method?: string;
  readonly key?: string;
}

/** Sends a body (JSON unless it is a string) and reads all that comes, to the end or to the cut. */
export function ask(simulator: Simulator, body: unknown, asking: Asking = {}): Promise<Answered> {
  const { path = '/chat/completions', method = 'POST', key } = asking;
  return new Promise((resolve) => {
    let answered: Answered = { status: 0, headers: {}, text: '', complete: false };
    const sent = request(simulator.url + path, {
      method,
      agent: false,
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
    sent.on('error', () => resolve(answered));
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      answered = { status, headers, text: '', complete: false };
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        answered = { ...answered, text: answered.text + text };
      });
      response.on('error', () => undefined);
      response.on('close', () => resolve({ ...answered, complete: response.complete }));
    });
    sent.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
  });
}

/** Lets the event loop turn until something is so; fails after many turns. */
export async function until(so: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3_000; turn++) {
    if (so()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.fail('it never came to pass');
}

/** Parsed `data:` frames; `[DONE]` as the string. */
export function frames(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => frame.slice('data: '.length))
    .map((data): unknown => (data === '[DONE]' ? data : JSON.parse(data)));
}

/** A chat request of one user message. */
export function chat(content: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: 'glm-4.6', messages: [{ role: 'user', content }], ...more };
}

/** Claude Code's tools, as far as scripts need them. */
export const TOOLS = ['Write', 'Bash', 'Read'].map((name) => ({
  type: 'function',
  function: { name, description: `The ${name} tool`, parameters: { type: 'object' } },
}));

interface WireMessage {
  content?: string | null;
  reasoning?: string;
  reasoning_content?: string;
  tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[];
}

/** A JSON answer, as far as the tests look at it. */
export interface WireAnswer {
  model: string;
  choices: { finish_reason: string | null; message: WireMessage }[];
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details: { cached_tokens: number };
    completion_tokens_details: { reasoning_tokens: number };
  };
}

export const parsed = (answered: Answered): WireAnswer => JSON.parse(answered.text) as WireAnswer;

/** The only message of a JSON answer. */
export function messageOf(answered: Answered): WireMessage {
  const [choice] = parsed(answered).choices;
  return choice?.message ?? {};
}
