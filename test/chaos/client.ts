/**
 * A client that misbehaves as the plan says: reads or sends slowly, packs its body, pipelines, or
 * leaves at some point. Undefined stands for an answer that it did not wait for.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Got } from './judge.ts';
import type { Turn } from './plan.ts';

/** Longer than any wait that the configuration allows. */
const ANSWER_TIMEOUT_MS = 90_000;
const PAUSE_MS = 5;
const PIECES = 8;

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** What must not show anywhere: a credential of the client. */
export const CLIENT_SECRET = 'client-secret-of-chaos';

/** Asks once. Never rejects. */
export function play(base: string, turn: Turn): Promise<Got | undefined> {
  return turn.client === 'pipelined' ? playPipelined(base, turn) : playAlone(base, turn);
}

/** Ends the connections that are kept. */
export function closeClients(): void {
  agent.destroy();
}

function pathOf({ dialect }: Turn): string {
  return dialect === 'anthropic' ? '/anthropic/v1/messages' : '/openai/v1/chat/completions';
}

function bodyOf({ id, stream, promptBytes }: Turn): Buffer {
  const content = `${'x'.repeat(promptBytes >> 1)}<<${id}>>${'y'.repeat(promptBytes >> 1)}`;
  const messages = [{ role: 'user', content }];
  return Buffer.from(JSON.stringify({ model: 'glm-4.6', max_tokens: 200, stream, messages }));
}

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${CLIENT_SECRET}` };

function playAlone(base: string, turn: Turn): Promise<Got | undefined> {
  const plain = bodyOf(turn);
  const body = turn.client === 'gzip' ? gzipSync(plain) : plain;
  const sent = request(`${base}${pathOf(turn)}`, {
    method: 'POST',
    agent,
    headers: {
      ...HEADERS,
      'content-length': body.length,
      ...(turn.client === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
      ...(turn.client === 'expect' ? { expect: '100-continue' } : {}),
    },
  });
  sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy());
  const got = turn.client.startsWith('abort') ? leaveEarly(sent, turn) : collect(sent, turn);
  void sendBody(sent, turn, body);
  return got;
}

async function sendBody(sent: ClientRequest, turn: Turn, body: Buffer): Promise<void> {
  switch (turn.client) {
    case 'expect':
      sent.once('continue', () => sent.end(body));
      sent.once('response', () => sent.end());
      sent.flushHeaders();
      return;
    case 'slow-sender': {
      const step = Math.ceil(body.length / PIECES);
      for (let at = 0; at < body.length && !sent.destroyed; at += step) {
        sent.write(body.subarray(at, at + step));
        await sleep(PAUSE_MS);
      }
      sent.end();
      return;
    }
    case 'abort-sending':
      sent.write(body.subarray(0, body.length >> 1));
      await sleep(PAUSE_MS);
      sent.destroy();
      return;
    case 'abort-sent':
      sent.end(body, () => setTimeout(() => sent.destroy(), PAUSE_MS));
      return;
    case 'good':
    case 'slow-reader':
    case 'gzip':
    case 'pipelined':
    case 'abort-headers':
    case 'abort-middle':
      sent.end(body);
      return;
    default: {
      const never: never = turn.client;
      throw new Error(`unknown act ${String(never)}`);
    }
  }
}

/** Goes at the latest when the answer is there. */
function leaveEarly(sent: ClientRequest, turn: Turn): Promise<undefined> {
  return new Promise((resolve) => {
    sent.on('error', () => {});
    sent.once('close', () => resolve(undefined));
    sent.once('response', (response) => {
      response.on('error', () => {});
      if (turn.client === 'abort-middle') response.once('data', () => sent.destroy()).resume();
      else sent.destroy();
    });
  });
}

function collect(sent: ClientRequest, turn: Turn): Promise<Got> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let answer: IncomingMessage | undefined;
    const settle = () => {
      const { statusCode: status = 0, complete = false } = answer ?? {};
      resolve({ status, text: Buffer.concat(pieces).toString(), complete });
    };
    sent.on('error', settle);
    sent.once('close', settle);
    sent.once('response', (response) => {
      answer = response;
      response.on('error', () => {});
      response.on('data', (piece: Buffer) => {
        pieces.push(piece);
        if (turn.client !== 'slow-reader') return;
        response.pause();
        setTimeout(() => response.resume(), PAUSE_MS);
      });
      response.once('close', settle);
    });
  });
}

/** Two requests in one write: a look at a page, then the turn. Both answers come, in order. */
function playPipelined(base: string, turn: Turn): Promise<Got> {
  const { hostname, port } = new URL(base);
  const body = bodyOf(turn);
  const head = (line: string, ...more: string[]) =>
    [`${line} HTTP/1.1`, `host: ${hostname}:${port}`, ...more, '', ''].join('\r\n');
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('data', (piece) => pieces.push(piece)).on('error', () => {});
    socket.once('close', () => {
      const bytes = Buffer.concat(pieces);
      const first = readAnswer(bytes);
      resolve(first.rest === undefined ? NOTHING : readAnswer(first.rest));
    });
    socket.write(head('GET /health'));
    socket.write(
      head(
        `POST ${pathOf(turn)}`,
        `content-length: ${body.length}`,
        `authorization: Bearer ${CLIENT_SECRET}`,
        'connection: close',
      ),
    );
    socket.write(body);
  });
}

const NOTHING: Got = { status: 0, text: '', complete: false };

/** One answer from the front of `bytes`; `rest` is what follows a complete one. */
function readAnswer(bytes: Buffer): Got & { readonly rest?: Buffer } {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return NOTHING;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const body = bytes.subarray(headEnd + 4);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) {
    const end = Number(length);
    const text = body.toString('utf8', 0, end);
    return { status, text, complete: body.length >= end, rest: body.subarray(end) };
  }
  return { status, ...readChunks(body) };
}

function readChunks(body: Buffer): Omit<Got, 'status'> & { readonly rest?: Buffer } {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size =
      lineEnd < 0 ? Number.NaN : Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    const text = () => Buffer.concat(pieces).toString();
    if (Number.isNaN(size) || end + 2 > body.length) return { text: text(), complete: false };
    if (size === 0) return { text: text(), complete: true, rest: body.subarray(end + 2) };
    pieces.push(body.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
