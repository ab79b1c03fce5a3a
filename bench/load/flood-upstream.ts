/**
 * How fast do events go when the next one is always ready? An upstream that writes one event at a
 * time to every open stream, each with the time of its writing, and waits only for full sockets.
 *
 * Must stay true: every event is a write of its own, as a provider's are, so that joining them is
 * the work of whoever is in between.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Events of a stream. A client may leave before. */
export const FLOOD_EVENTS = 1_000;

const json = (delta: object, finish: string | null) =>
  JSON.stringify({
    id: 'chatcmpl-flood',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'flood',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
const AT = 'AT';
const [BEFORE = '', AFTER = ''] = `data: ${json({ content: `<t${AT}>word ` }, null)}\n\n`.split(AT);
const FIRST = `data: ${json({ role: 'assistant', content: '' }, null)}\n\n`;
const LAST = `data: ${json({}, 'stop')}\n\ndata: [DONE]\n\n`;

/** One part of a chunked body. ASCII only. */
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

interface Stream {
  readonly response: ServerResponse;
  readonly socket: Socket;
  left: number;
  full: boolean;
}

/** Starts it on a free port of 127.0.0.1; gives the server and its base URL. */
export function startFloodUpstream(): Promise<{ server: Server; url: string }> {
  const flood = new Flood();
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.flushHeaders();
      if (response.socket !== null) flood.add(response, response.socket);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ server, url: `http://127.0.0.1:${port}/v1` });
    });
  });
}

/** All streams, an event each in turn, as long as there is one that takes it. */
class Flood {
  readonly #streams = new Set<Stream>();
  #running = false;

  add(response: ServerResponse, socket: Socket): void {
    socket.write(chunked(FIRST), 'latin1');
    this.#streams.add({ response, socket, left: FLOOD_EVENTS, full: false });
    this.#wake();
  }

  #wake(): void {
    if (!this.#running) setImmediate(() => this.#turn());
    this.#running = true;
  }

  #turn(): void {
    const nowNs = process.hrtime.bigint();
    this.#running = false;
    for (const stream of this.#streams) {
      if (stream.socket.destroyed) this.#streams.delete(stream);
      else if (!stream.full) this.#write(stream, nowNs);
    }
  }

  #write(stream: Stream, nowNs: bigint): void {
    const { socket, response } = stream;
    this.#wake();
    if (stream.left === 0) {
      this.#streams.delete(stream);
      socket.write(chunked(LAST), 'latin1');
      response.end();
      return;
    }
    stream.left -= 1;
    if (socket.write(chunked(`${BEFORE}${nowNs}${AFTER}`), 'latin1')) return;
    stream.full = true;
    socket.once('drain', () => {
      stream.full = false;
      this.#wake();
    });
  }
}
