/**
 * A provider on a real socket that answers as a test says, key by key, and remembers who asked.
 *
 * It speaks both protocols: the path of a call says which. Must stay true: what it remembers is
 * taken down before anything is answered, so that the order of starts and answers is the true one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listening } from './raw-server.ts';

/** One call that arrived. */
export interface Start {
  /** The secret it came with. */
  readonly key: string;
  readonly model: string;
  readonly atMs: number;
  /** Good answers that had been begun by then. */
  readonly goodBefore: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Undefined: a good answer. `nth` counts the calls from 0. */
export type Script = (start: Start, nth: number) => Answer | undefined;

export interface ScriptedUpstream {
  /** Root URL; `/v1` is accepted behind it. */
  readonly url: string;
  readonly starts: readonly Start[];
  close(): Promise<void>;
}

export interface ScriptedOptions {
  /** How long a good answer takes. */
  readonly goodAfterMs?: number;
  /** No good answer before it resolves. */
  readonly goodAfter?: Promise<void>;
}

export async function scriptedUpstream(
  script: Script,
  { goodAfterMs = 0, goodAfter = Promise.resolve() }: ScriptedOptions = {},
): Promise<ScriptedUpstream> {
  const starts: Start[] = [];
  let good = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.parse(await textOf(request)) as { model: string; stream?: boolean };
    const start = {
      key: keyOf(request),
      model: body.model,
      atMs: Date.now(),
      goodBefore: good,
    };
    starts.push(start);
    const scripted = script(start, starts.length - 1);
    if (scripted !== undefined) {
      response.writeHead(scripted.status, scripted.headers ?? {}).end(scripted.body ?? '');
      return;
    }
    await goodAfter;
    await new Promise((resolve) => setTimeout(resolve, goodAfterMs));
    good += 1;
    const anthropic = request.url?.includes('/messages') === true;
    const text = JSON.stringify(anthropic ? GOOD_MESSAGE : GOOD_CHAT);
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  };
  const server = await listening(
    createServer((request, response) => {
      answer(request, response).catch(() => response.destroy());
    }),
  );
  return { url: `http://127.0.0.1:${server.port}`, starts, close: () => server.close() };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

function keyOf({ headers }: IncomingMessage): string {
  const own = headers['x-api-key'];
  return typeof own === 'string' ? own : (headers.authorization ?? '').replace(/^Bearer /, '');
}

const GOOD_CHAT = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};

const GOOD_MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'fine' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 1 },
};
