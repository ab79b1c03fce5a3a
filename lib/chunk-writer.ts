/**
 * How does a piece of a stream get to the client for the price of one write?
 *
 * `response.write` makes four writes of a chunk (RFC 9112 §7.1: its size, a line end, its bytes, a
 * line end), gathers them until the next tick and sends a vector. Once the headers are out the same
 * bytes can go to the socket as one string, which the kernel takes without a request of its own.
 *
 * Must stay true: that is done only where the response is chunked, has its socket and holds nothing
 * back, so that whatever goes through the response stands in order with what does not; everything
 * else (HTTP/1.0, a response that waits behind another of its connection, a socket that takes no
 * more) goes through the response. The end, with its last chunk, is always the response's.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MAX_COPIED_CHUNK_BYTES } from './limits.ts';

export class ChunkWriter {
  readonly #response: ServerResponse;
  /** Seen once that all of the response before is with its socket. */
  #inOrder = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Bytes that the client has not taken from us yet. */
  get waitingBytes(): number {
    return this.#response.writableLength;
  }

  /** Writes one chunk, never an empty one; the headers must have been flushed. Gives its bytes. */
  write(piece: string | Buffer): number {
    const socket = this.#ready();
    const bytes = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
    if (socket === null) this.#response.write(piece);
    else if (typeof piece === 'string') writeText(socket, piece, bytes);
    else if (bytes <= MAX_COPIED_CHUNK_BYTES) writeText(socket, piece.toString('latin1'), bytes);
    else writeLarge(socket, piece);
    return bytes;
  }

  /** Flushes the headers and writes the first chunk, both in one vector. Gives the chunk's bytes. */
  writeFirst(piece: string | Buffer): number {
    const { socket } = this.#response;
    socket?.cork();
    this.#response.flushHeaders();
    const bytes = this.write(piece);
    socket?.uncork();
    return bytes;
  }

  /** Calls back once, when everything that waits has been taken. Something must wait. */
  onDrain(resume: () => void): void {
    const { socket } = this.#response;
    if (this.#inOrder && socket !== null) socket.once('drain', resume);
    else this.#response.once('drain', resume);
  }

  /** The socket, where the chunk may go to it past the response. */
  #ready(): Socket | null {
    const response = this.#response;
    const { socket } = response;
    if (socket === null || !socket.writable) return null;
    this.#inOrder ||=
      response.chunkedEncoding &&
      response.headersSent &&
      response.writableLength === socket.writableLength;
    return this.#inOrder ? socket : null;
  }
}

/** Text of as many characters as bytes has one byte a character. */
function writeText(socket: Socket, text: string, bytes: number): void {
  const chunk = `${bytes.toString(16)}\r\n${text}\r\n`;
  socket.write(chunk, text.length === bytes ? 'latin1' : 'utf8');
}

function writeLarge(socket: Socket, piece: Buffer): void {
  socket.cork();
  socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
  socket.write(piece);
  socket.write('\r\n', 'latin1');
  socket.uncork();
}
