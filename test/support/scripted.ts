/** A provider that does what the test says, one answer after the other, and remembers what it
 *  got. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listening } from './raw-server.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly atMs: number;
  /** Whether the connection closed before the answer was complete. */
  readonly cut: boolean;
}

/** A whole answer, or a function that gives one. */
export type Scripted =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** JSON unless it is a string or bytes. */
      readonly body?: unknown;
    }
  | ((response: ServerResponse, received: Received) => void);

export interface ScriptedProvider {
  /** `http://127.0.0.1:PORT/v1` */
  readonly url: string;
  readonly received: readonly Received[];
  /** Answers to come, in order; after them `otherwise`. */
  readonly next: Scripted[];
  close(): Promise<void>;
}

/** A chat completion that says `text`. */
export function completion(text: string, more: Readonly<Record<string, unknown>> = {}): Scripted {
  return {
    body: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      model: 'glm-4.6',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }],
      usage: { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 },
      ...more,
    },
  };
}

/** One data frame of a streamed completion. */
export function delta(text: string, finish: string | null = null): string {
  return sse({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    model: 'glm-4.6',
    choices: [{ index: 0, delta: { content: text }, finish_reason: finish }],
  });
}

export function sse(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** Whole frames as one streamed answer. */
export function stream(...frames: string[]): Scripted {
  return { headers: { 'content-type': 'text/event-stream' }, body: frames.join('') };
}

export const DONE = sse('[DONE]');

/** Starts one on a free port. */
export async function scripted(
  next: readonly Scripted[] = [],
  otherwise: Scripted = completion('fine'),
): Promise<ScriptedProvider> {
  const received: { -readonly [Key in keyof Received]: Received[Key] }[] = [];
  const queue = [...next];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => {});
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body = Buffer.concat(pieces.splice(0)).toString();
      const entry = { method, path: url, headers, body, atMs: Date.now(), cut: false };
      received.push(entry);
      response.on('close', () => {
        entry.cut = !response.writableFinished;
      });
      give(queue.shift() ?? otherwise, response, entry);
    });
  });
  const { port, close } = await listening(server);
  return { url: `http://127.0.0.1:${port}/v1`, received, next: queue, close };
}

function give(answer: Scripted, response: ServerResponse, received: Received): void {
  if (typeof answer === 'function') {
    answer(response, received);
    return;
  }
  const { status = 200, headers = {}, body = {} } = answer;
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(bytes);
}
