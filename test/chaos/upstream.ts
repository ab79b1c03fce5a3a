/**
 * A provider that does to each attempt what the plan says: answers, refuses, breaks off, goes
 * silent. The name of a turn stands in its prompt.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { listening } from '../support/raw-server.ts';
import { answerOf, type Turn, turnOf, type UpstreamAct } from './plan.ts';

export interface ChaosUpstream {
  /** Base URL of a provider. */
  readonly url: string;
  /** Attempts so far. */
  readonly attempts: number;
  /** Calls that are not over yet. */
  readonly busy: number;
  /** Connections that are open. */
  readonly open: number;
  close(): Promise<void>;
}

const LATE_MS = 700;
/** Longer than any timeout of the configuration: whoever is told this has to give up by itself. */
const SILENT_MS = 60_000;
const TRICKLE_MS = 2;

export async function chaosUpstream(seed: number): Promise<ChaosUpstream> {
  const tries = new Map<string, number>();
  const busy = new Set<ServerResponse>();
  let attempts = 0;
  const server = createServer((request, response) => {
    busy.add(response);
    response.once('close', () => busy.delete(response));
    response.on('error', () => {});
    void textOf(request).then((text) => {
      const id = /<<([\w.-]+)>>/.exec(text)?.[1];
      if (id === undefined) return;
      const turn = turnOf(seed, id);
      const nth = tries.get(id) ?? 0;
      tries.set(id, nth + 1);
      attempts += 1;
      const asked = JSON.parse(text) as { stream?: boolean };
      return perform(turn.acts[nth] ?? 'good', turn, asked.stream === true, response);
    });
  });
  server.keepAliveTimeout = SILENT_MS;
  const { port, sockets, close } = await listening(server);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    get attempts() {
      return attempts;
    },
    get busy() {
      return busy.size;
    },
    get open() {
      return sockets.filter(({ destroyed }) => !destroyed).length;
    },
    close,
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece as Buffer);
  } catch {
    return ''; // the proxy gave up while it sent
  }
  return Buffer.concat(pieces).toString();
}

async function perform(
  act: UpstreamAct,
  turn: Turn,
  stream: boolean,
  response: ServerResponse,
): Promise<void> {
  const socket = response.socket as Socket;
  switch (act) {
    case 'good':
      return give(turn, stream, response);
    case 'gzip':
      response.setHeader('content-encoding', 'gzip');
      response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json');
      response.end(gzipSync(stream ? framesOf(turn).join('') : completionOf(turn)));
      return;
    case 'hints':
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      return give(turn, stream, response);
    case 'close-after':
      response.setHeader('connection', 'close');
      return give(turn, stream, response);
    case 'trickle':
      return trickle(turn, stream, response);
    case 'late':
      await sleep(LATE_MS);
      return give(turn, stream, response);
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'close':
      socket.end();
      return;
    case 'status-429':
      response.writeHead(429, { 'retry-after-ms': '300' }).end('{"error":{"message":"slow down"}}');
      return;
    case 'status-500':
      response.writeHead(500).end('{"error":{"message":"oops"}}');
      return;
    case 'status-503':
      response.writeHead(503).end('<html>busy</html>');
      return;
    case 'silent':
      return;
    case 'nonsense':
      socket.end('SSH-2.0-OpenSSH_9.2\r\n');
      return;
    case 'huge-head':
      response.writeHead(200, { 'x-much': 'a'.repeat(200_000) }).end('{}');
      return;
    case 'short':
    case 'cut':
    case 'cut-reset':
    case 'stall':
      return breakOff(act, turn, stream, response);
    default: {
      const never: never = act;
      throw new Error(`unknown act ${String(never)}`);
    }
  }
}

function give(turn: Turn, stream: boolean, response: ServerResponse): void {
  if (!stream) {
    response.setHeader('content-type', 'application/json');
    response.end(completionOf(turn));
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  for (const frame of framesOf(turn)) response.write(frame);
  response.end();
}

/** A few bytes at a time, cut anywhere. */
async function trickle(turn: Turn, stream: boolean, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json');
  const bytes = Buffer.from(stream ? framesOf(turn).join('') : completionOf(turn));
  const step = Math.ceil(bytes.length / 60);
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    response.write(bytes.subarray(at, at + step));
    await sleep(TRICKLE_MS);
  }
  response.end();
}

/** The first half of an answer, and then an end that is none. */
async function breakOff(
  act: 'short' | 'cut' | 'cut-reset' | 'stall',
  turn: Turn,
  stream: boolean,
  response: ServerResponse,
): Promise<void> {
  const whole = stream ? framesOf(turn).join('') : completionOf(turn);
  response.writeHead(200, {
    'content-type': stream ? 'text/event-stream' : 'application/json',
    ...(act === 'short' ? { 'content-length': Buffer.byteLength(whole) } : {}),
  });
  response.write(Buffer.from(whole).subarray(0, whole.length >> 1));
  await sleep(20); // so that it is read before a reset throws it away
  if (act === 'cut-reset') response.socket?.resetAndDestroy();
  else if (act !== 'stall') response.socket?.end();
}

const ABOUT = { id: 'chatcmpl-chaos', created: 1_760_000_000, model: 'glm-4.6' };
const USAGE = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 };

function completionOf(turn: Turn): string {
  const reasoning = turn.thinks ? { reasoning: 'Let me see.' } : {};
  const message = { role: 'assistant', content: answerOf(turn), ...reasoning };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  return JSON.stringify({ ...ABOUT, object: 'chat.completion', choices, usage: USAGE });
}

function framesOf(turn: Turn): string[] {
  const chunk = (delta: object, finish: string | null, more = {}) =>
    `data: ${JSON.stringify({
      ...ABOUT,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: finish }],
      ...more,
    })}\n\n`;
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...(turn.thinks
      ? [chunk({ reasoning: 'Let me ' }, null), chunk({ reasoning: 'see.' }, null)]
      : []),
    ...turn.words.map((word, at) => chunk({ content: at === 0 ? word : ` ${word}` }, null)),
    chunk({}, 'stop', { usage: USAGE }),
    'data: [DONE]\n\n',
  ];
}
