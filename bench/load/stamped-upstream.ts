/**
 * When was this delta written? An upstream whose deltas say so, in ns of the machine's monotonic
 * clock, which its processes share.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Deltas of a stream, and the pause before each: a client has read one before the next is sent. */
export const STAMPS_PER_STREAM = 5;
const PAUSE_MS = 2;

const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-stamped',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'stamped',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;

/** Starts it on a free port of 127.0.0.1; gives the server and its base URL. */
export function startStampedUpstream(): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.write(chunk({ role: 'assistant', content: '' }, null));
      setTimeout(next, PAUSE_MS, response, STAMPS_PER_STREAM);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ server, url: `http://127.0.0.1:${port}/v1` });
    });
  });
}

function next(response: ServerResponse, left: number): void {
  if (response.destroyed) return;
  if (left === 0) {
    response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
    return;
  }
  response.write(chunk({ content: `<t${process.hrtime.bigint()}>` }, null));
  setTimeout(next, PAUSE_MS, response, left - 1);
}

const STAMP = /<t(\d+)>/g;

/** The stamps in a piece of a stream, translated or not. */
export function stampsIn(text: string): bigint[] {
  return [...text.matchAll(STAMP)].map(([, ns = '0']) => BigInt(ns));
}
