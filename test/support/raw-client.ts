/** A client that writes bytes of its own, and sees all that comes back and when it is over. */
import { connect, type Socket } from 'node:net';
import { until } from './upstream.ts';

export interface RawClient {
  readonly socket: Socket;
  readonly text: string;
  /** Statuses of the answers so far, interim ones too. */
  readonly statuses: readonly number[];
  /** The connection is gone, or the proxy has said that it sends nothing more. */
  readonly ended: boolean;
  write(bytes: string | Buffer): void;
  /** Waits until `part` has come. */
  has(part: string): Promise<void>;
  /** Waits for the end of the connection; gives all that was heard. */
  end(): Promise<string>;
}

/** Connects, and writes `bytes`. The connection closes when the proxy closes it, not before. */
export function rawClient(port: number, bytes: string | Buffer = ''): RawClient {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const heard: string[] = [];
  let ended = false;
  const end = () => {
    ended = true;
    socket.destroy();
  };
  socket.setEncoding('latin1').on('data', (piece: string) => heard.push(piece));
  socket.on('error', end).on('end', end).on('close', end);
  if (bytes.length > 0) socket.write(bytes);
  const text = () => heard.join('');
  return {
    socket,
    get text() {
      return text();
    },
    get statuses() {
      return [...text().matchAll(/(?<=^|[\n}])HTTP\/1\.1 (\d{3}) /g)].map(([, code]) =>
        Number(code),
      );
    },
    get ended() {
      return ended;
    },
    write: (more) => {
      socket.write(more);
    },
    has: (part) => until(() => text().includes(part)),
    async end() {
      await until(() => ended);
      return text();
    },
  };
}

const HOST = 'host: localhost\r\n';

/** A GET as bytes; `more` are header lines, each with its line end. */
export function rawGet(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\n${HOST}${more}\r\n`;
}

/** A POST with a length, as bytes. */
export function rawPost(path: string, body: object | string, more = ''): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const length = `content-length: ${Buffer.byteLength(text)}\r\n`;
  return `POST ${path} HTTP/1.1\r\n${HOST}${more}${length}\r\n${text}`;
}
