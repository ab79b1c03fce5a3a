/**
 * Servers that misbehave: plain TCP, the test writes the bytes. `listening` also takes a node:http
 * or node:https server. Every connection is remembered, and taken down by `close()`.
 */
import { createServer, type Server, type Socket } from 'node:net';

export interface TestServer {
  readonly port: number;
  /** In order of arrival, open or not. */
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/** A TCP server on a free port of 127.0.0.1; `nth` counts connections from 0. */
export function rawServer(onSocket: (socket: Socket, nth: number) => void): Promise<TestServer> {
  let count = 0;
  return listening(
    createServer((socket) => {
      // A reset by the client is part of the test, never its failure.
      socket.on('error', () => socket.destroy());
      onSocket(socket, count++);
    }),
  );
}

/** Starts any server of Node's on a free port of 127.0.0.1. */
export async function listening(server: Server): Promise<TestServer> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls back once per whole request (head, and a body of `content-length` bytes), in order. */
export function onRequests(socket: Socket, onRequest: (head: string, nth: number) => void): void {
  let kept: Buffer = Buffer.alloc(0);
  let nth = 0;
  socket.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]);
    for (let end = wholeRequest(kept); end > 0; end = wholeRequest(kept)) {
      const head = kept.toString('latin1', 0, kept.indexOf('\r\n\r\n'));
      kept = kept.subarray(end);
      onRequest(head, nth++);
    }
  });
}

/** Length of the first request in `bytes`, or 0 while it is not whole. */
function wholeRequest(bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return bytes.length >= end ? end : 0;
}
