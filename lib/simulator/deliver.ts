/** How does an answer reach the client, with its fault, at its speed? JSON at once, or a stream. */
import type { ServerResponse } from 'node:http';
import { type Envelope, jsonAnswer } from './answers.ts';
import type { Fault } from './faults.ts';
import type { FixedBodies } from './fixed.ts';
import type { FrameSource, Pacer } from './pace.ts';
import { errorChunk, type Refusal } from './refusals.ts';
import type { Reply } from './reply.ts';
import type { OpenEntry } from './request-log.ts';
import type { Settings } from './settings.ts';
import { AnswerStream, FixedStream } from './stream.ts';

/** An admitted request. `settle` is called exactly once, with the tokens that were sent. */
export interface Work {
  readonly response: ServerResponse;
  readonly entry: OpenEntry;
  readonly reply: Reply;
  readonly envelope: Envelope;
  readonly fault: Fault | undefined;
  readonly stream: boolean;
  readonly fixed: FixedBodies | undefined;
  readonly pacer: Pacer;
  readonly settings: Settings;
  settle(completionTokens: number): void;
  /** Rate headers as they stand now. */
  headers(): Record<string, string>;
}

const JSON_TYPE = 'application/json';
const SSE_TYPE = 'text/event-stream; charset=utf-8';

export function respond(work: Work): void {
  if (work.fault?.kind === 'void') sendNothing(work);
  else if (work.stream) sendStream(work);
  else void sendJson(work);
}

function sendNothing(work: Work): void {
  const { response, entry } = work;
  work.settle(0);
  entry.status = 200;
  const type = work.stream ? SSE_TYPE : JSON_TYPE;
  response.writeHead(200, { 'content-type': type, ...work.headers() });
  response.end();
}

function sendStream(work: Work): void {
  const { response, entry, fault, fixed, pacer, settings } = work;
  entry.status = 200;
  response.writeHead(200, {
    'content-type': SSE_TYPE,
    'cache-control': 'no-cache',
    ...work.headers(),
  });
  response.flushHeaders();
  const source = sourceOf(work, fixed);
  const stallMs = fault?.kind === 'stall' ? fault.delayMs : 0;
  pacer.send(response, source, settings.firstTokenMs + stallMs, () => {
    work.settle(source.sentTokens);
  });
}

function sourceOf(work: Work, fixed: FixedBodies | undefined): FrameSource {
  if (fixed !== undefined && work.fault === undefined) return new FixedStream(fixed.frames);
  return new AnswerStream(work.reply, work.envelope, work.fault);
}

async function sendJson(work: Work): Promise<void> {
  const { response, entry, fault, reply, settings } = work;
  const { tokensPerSecond, firstTokenMs } = settings;
  const stallMs = fault?.kind === 'stall' ? fault.delayMs : 0;
  const speakMs = tokensPerSecond > 0 ? (reply.completionTokens * 1_000) / tokensPerSecond : 0;
  const waitMs = firstTokenMs + speakMs;
  if (waitMs > 0 && !(await delay(response, waitMs))) {
    work.settle(0);
    return;
  }
  const body = jsonBody(work);
  const settle = (): void => work.settle(reply.completionTokens);
  // What hangs or stalls holds its place; an ordinary answer is booked before its headers tell.
  if (fault?.kind === 'idle') response.once('close', settle);
  else if (stallMs === 0) settle();
  entry.status = 200;
  response.writeHead(200, {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
    ...work.headers(),
  });
  if (stallMs > 0) {
    response.flushHeaders();
    const stayed = await delay(response, stallMs);
    settle();
    if (!stayed) return;
  }
  finishJson(response, body, fault);
}

function jsonBody(work: Work): string | Buffer {
  const { reply, envelope, fault, fixed } = work;
  switch (fault?.kind) {
    case 'errorchunk':
    case 'midstream':
      return errorChunk(envelope.dialect, envelope.id);
    case 'nofinish':
      return jsonAnswer(reply, envelope, null);
    case 'network_error':
      return jsonAnswer(reply, envelope, 'network_error');
    case 'json': {
      const whole = jsonAnswer(reply, envelope);
      return whole.slice(0, Math.floor(whole.length / 2));
    }
    default:
      return fixed === undefined || fault !== undefined ? jsonAnswer(reply, envelope) : fixed.json;
  }
}

/** The faults that strike inside a body send its first half. */
function finishJson(
  response: ServerResponse,
  body: string | Buffer,
  fault: Fault | undefined,
): void {
  if (fault?.kind !== 'cutafter' && fault?.kind !== 'idle') {
    response.end(body);
    return;
  }
  const bytes = Buffer.from(body);
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)));
  if (fault.kind === 'cutafter') response.socket?.destroySoon();
}

export function sendRefusal(
  response: ServerResponse,
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): void {
  const type = refusal.contentType ?? 'application/json';
  sendText(response, refusal.status, type, refusal.body, headers);
}

export function sendText(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Waits; false when the client left meanwhile. */
export function delay(response: ServerResponse, delayMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) {
      resolve(false);
      return;
    }
    const gone = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      response.off('close', gone);
      resolve(true);
    }, delayMs);
    response.once('close', gone);
  });
}
