/**
 * The native client against node:http: the same bytes of a server, in the same pieces, to both.
 * Status, headers, body, kind of fault and the use of connections have to be the same, but for what
 * stands in `transport-differences.ts`.
 */
import assert from 'node:assert/strict';
import { httpTransport } from '../../lib/transports/http.ts';
import { nativeTransport } from '../../lib/transports/native.ts';
import type { Answer, BodySink, Transport } from '../../lib/transports/types.ts';
import { TransportError } from '../../lib/transports/types.ts';
import { seeded } from '../support/seeded.ts';
import { originOf, requestTo } from '../support/upstream.ts';
import { fuzzWhenStarted } from './main.ts';
import { type FuzzTarget, seedOf } from './target.ts';
import { differenceOf } from './transport-differences.ts';
import { CLOSE, NEXT, type Play, RESET, ScriptServer, turns } from './transport-server.ts';

/** A call that has not ended after so long never will. */
const HANG_MS = 3_000;
/** The machine may be late with bytes while turns go by: a difference has to come again. */
const TRIES = 3;

/** What became of one request. */
export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** `''`, a TransportFault, or `hangs`. */
  readonly fault: string;
  /** The message of the fault. */
  readonly why: string;
}

/** Reads a body as `chance` likes: at once or late, with pauses at its first pieces. */
class Reader implements BodySink {
  readonly pieces: Buffer[] = [];
  end: TransportError | 'whole' | undefined;
  readonly #answer: Answer;
  #pauses: number;

  constructor(answer: Answer, pauses: number) {
    this.#answer = answer;
    this.#pauses = pauses;
  }

  onData(piece: Buffer): void {
    this.pieces.push(piece);
    if (this.#pauses === 0) return;
    this.#pauses--;
    this.#answer.pause();
    void turns(2).then(() => this.#answer.resume());
  }

  onEnd(): void {
    assert.equal(this.end, undefined, 'one end');
    this.end = 'whole';
  }

  onError(error: TransportError): void {
    assert.equal(this.end, undefined, 'one end');
    this.end = error;
  }
}

async function ask(transport: Transport, port: number, chance: () => number): Promise<Told> {
  const request = requestTo(
    originOf(port),
    chance() < 0.2 ? { method: 'GET', body: undefined } : {},
  );
  const call = transport.send(request);
  const lateTurns = chance() < 0.6 ? 0 : 4;
  const pauses = chance() < 0.6 ? 0 : 2;
  let answer: Answer | TransportError | undefined;
  call.answer.then(
    (found) => {
      answer = found;
    },
    (error) => {
      answer = error;
    },
  );
  await turnsUntil(() => answer !== undefined);
  if (answer === undefined) return hanging(call.abort.bind(call), 0, {});
  if (answer instanceof TransportError) {
    return { status: 0, headers: {}, body: '', fault: answer.fault, why: answer.message };
  }
  const { status, headers } = answer;
  await turns(lateTurns);
  const reader = new Reader(answer, pauses);
  answer.read(reader);
  await turnsUntil(() => reader.end !== undefined);
  if (reader.end === undefined) return hanging(call.abort.bind(call), status, headers);
  const body = Buffer.concat(reader.pieces).toString('latin1');
  const broken = reader.end === 'whole' ? undefined : reader.end;
  const [fault, why] = [broken?.fault ?? '', broken?.message ?? ''];
  return { status, headers: { ...headers }, body, fault, why };
}

async function turnsUntil(done: () => boolean): Promise<void> {
  const endMs = performance.now() + HANG_MS;
  while (!done() && performance.now() < endMs) await turns(1);
}

function hanging(abort: () => void, status: number, headers: Told['headers']): Told {
  abort();
  return { status, headers, body: '', fault: 'hangs', why: '' };
}

/** As many requests as there are answers, one after the other. */
async function converse(transport: Transport, port: number, play: Play, seed: number) {
  const chance = seeded(seed);
  const told: Told[] = [];
  for (let nth = 0; nth < play.length; nth++) {
    told.push(await ask(transport, port, chance));
    await turns(3);
  }
  transport.close();
  play.end();
  await turns(2);
  return { told, connections: play.seen };
}

/** The same script for both, from its beginning, and once more for a native client that has seen it
 *  all before. */
async function compare(server: ScriptServer, input: Buffer) {
  const seed = seedOf(input);
  const ask = async (transport: Transport) =>
    await converse(transport, server.port, server.play(input), seed);
  const http = await ask(httpTransport());
  const transport = nativeTransport();
  const first = await ask(transport);
  const found = differenceOf(first, http, input);
  if (found.difference !== '') return { native: first, http, ...found };
  const native = await ask(transport);
  return { native, http, ...differenceOf(native, http, input) };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const FIXED = `${OK}content-length: 5\r\n\r\nhello`;
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n`;
const STREAM = `${OK}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${'b\r\ndata: {"a"}\n\r\n'.repeat(4)}0\r\nx-sum: 1\r\n\r\n`;
const LIMITS =
  'HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\nx-a: 1\r\nX-A: 2\r\nset-cookie: a\r\n' +
  'Set-Cookie: b\r\nconnection: keep-alive\r\nkeep-alive: timeout=5, max=9\r\nContent-Length: 2\r\n\r\nno';

export const transports: FuzzTarget = {
  name: 'transports',
  seeds: [
    [FIXED, CHUNKED, FIXED].join(NEXT),
    [STREAM, LIMITS].join(NEXT),
    [LIMITS, LIMITS.replace('after: 3', 'after: 17'), LIMITS.replace('x-a: 1', 'x-a:')].join(NEXT),
    `${FIXED}${NEXT}${CLOSE}${NEXT}${FIXED}`,
    `${FIXED}${NEXT}${RESET}${NEXT}${CHUNKED}`,
    `${OK}\r\nuntil it is closed${CLOSE}`,
    `HTTP/1.0 200 OK\r\n\r\nold${CLOSE}${NEXT}${FIXED}`,
    `HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx${NEXT}${FIXED}`,
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${FIXED}`,
    `HTTP/1.1 204 No Content\r\n\r\n${NEXT}HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n${NEXT}${FIXED}`,
    `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok${NEXT}${FIXED}`,
    `${OK}content-length: 9\r\n\r\nhel${CLOSE}`,
    `${OK}content-length: 9\r\n\r\nhel${RESET}`,
    `${OK}\r\nuntil it is reset${RESET}${NEXT}${FIXED}`,
    `HTTP/1.0 103 Early Hints\r\nconnection: keep-alive\r\n\r\n${FIXED}${NEXT}${FIXED}`,
    `${FIXED}HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n${NEXT}${FIXED}`,
  ],
  words: [
    ...[NEXT, CLOSE, RESET, FIXED, CHUNKED, OK, LIMITS, '\r\n', '\r\n\r\n', '\n', '\r', '\0', '\t'],
    ...[
      'HTTP/1.1 ',
      'HTTP/1.0 ',
      'HTTP/2 ',
      'HTTP/2.0 ',
      'ICE/1.0 ',
      'HTTP/1.2 ',
      ' 200 ',
      ' 204 ',
      ' 304 ',
      ' 100 ',
      ' 101 ',
    ],
    ...[
      '199',
      '999',
      '000',
      '20',
      '2000',
      ': ',
      ' : ',
      ':',
      ' ',
      ',',
      ';',
      '=',
      '"',
      '\x80',
      '\x7f',
    ],
    ...[
      'content-length: 5\r\n',
      'content-length: +5\r\n',
      'content-length: 0x5\r\n',
      'Content-Length: ',
    ],
    ...['content-length: 5, 5\r\n', 'content-length: -1\r\n', 'content-length: 0\r\n'],
    ...[
      'content-length: 18446744073709551617\r\n',
      'content-length : 5\r\n',
      'content-length:\r\n',
    ],
    ...['transfer-encoding: chunked\r\n', 'transfer-encoding: gzip, chunked\r\n', ' chunked'],
    ...['transfer-encoding: identity\r\n', 'transfer-encoding: xchunked\r\n', 'chunked, chunked'],
    ...['connection: close\r\n', 'connection: keep-alive\r\n', 'connection: upgrade\r\n', 'close'],
    ...[
      'upgrade: h2c\r\n',
      'keep-alive: timeout=1\r\n',
      'proxy-connection: close\r\n',
      'trailer: x\r\n',
    ],
    ...[
      'content-encoding: identity\r\n',
      'content-encoding: gzip\r\n',
      'x: 1\r\n',
      'x: \r\n y\r\n',
    ],
    ...[
      '0\r\n\r\n',
      '0\r\n',
      '5\r\nhello\r\n',
      '1\r\nx\r\n',
      '00005\r\nhello\r\n',
      '5 \r\n',
      '5;\r\n',
    ],
    ...['5;a="b\r\n', '-5\r\n', '+5\r\n', '0x5\r\n', 'ffffffffffffffff\r\n', 'A\r\n', 'g\r\n'],
  ],
  maxBytes: 4_000,
  maxCaseMs: 2_000,
  async start() {
    const server = await ScriptServer.start();
    return {
      async check(input) {
        for (let left = TRIES; ; left--) {
          const { difference, word, native, http } = await compare(server, input);
          if (difference === '') return word;
          const told = JSON.stringify({ native, http }, null, 1);
          assert.ok(left > 1, `${difference}\n${told}`);
        }
      },
      close: () => server.close(),
    };
  },
};

await fuzzWhenStarted(import.meta.url, transports);
