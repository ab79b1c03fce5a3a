/**
 * What does a server say, alike to every client? Scripts of bytes, cut and timed by the input.
 *
 * Time is counted in turns of the event loop, which server and clients share: what a server has
 * written in one turn is mostly there in the next, however fast the machine is.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onRequests } from '../support/raw-server.ts';
import { seeded } from '../support/seeded.ts';
import { seedOf, shred } from './target.ts';

/** Stand in the input between what is sent: the next answer; the end of the connection. */
export const NEXT = '\x01NEXT\x01';
export const CLOSE = '\x01CLOSE\x01';
export const RESET = '\x01RESET\x01';

/** After so many turns without anything the server gives up and closes. */
const QUIET_TURNS = 80;
const MAX_ANSWERS = 4;

interface ScriptedAnswer {
  readonly pieces: readonly Buffer[];
  readonly end: 'stay' | 'close' | 'reset';
}

/** The answers that stand in `input`, in order, cut into pieces. */
export function answersIn(input: Buffer): ScriptedAnswer[] {
  const chance = seeded(seedOf(input));
  const whole = chance() < 0.3;
  return input
    .toString('latin1')
    .split(NEXT, MAX_ANSWERS)
    .map((text) => {
      const said = text.split(CLOSE, 1)[0]?.split(RESET, 1)[0] ?? '';
      const bytes = Buffer.from(said, 'latin1');
      const end =
        text.length === said.length
          ? 'stay'
          : text.startsWith(RESET, said.length)
            ? 'reset'
            : 'close';
      return { pieces: whole && bytes.length > 0 ? [bytes] : shred(bytes, chance), end };
    });
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

/** Plays a script to whoever comes, from its beginning after every `play()`. It remembers nothing
 *  of those before: there are as many as a run has cases. */
export class ScriptServer {
  #play: Play | undefined;
  readonly #server = createServer((socket) => {
    socket.on('error', () => socket.destroy()); // a client that leaves
    if (this.#play === undefined) socket.destroy();
    else this.#play.accept(socket);
  });

  static async start(): Promise<ScriptServer> {
    const server = new ScriptServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  play(input: Buffer): Play {
    this.#play?.end();
    this.#play = new Play(input);
    return this.#play;
  }

  async close(): Promise<void> {
    this.#play?.end();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** One script with one client. */
export class Play {
  /** For each request the number of its connection. */
  readonly seen: number[] = [];
  readonly #answers: readonly ScriptedAnswer[];
  readonly #chance: () => number;
  readonly #sockets: Socket[] = [];

  constructor(input: Buffer) {
    this.#answers = answersIn(input);
    this.#chance = seeded(seedOf(input) ^ 0x5eed);
  }

  get length(): number {
    return this.#answers.length;
  }

  accept(socket: Socket): void {
    const nth = this.#sockets.push(socket) - 1;
    socket.setNoDelay(); // what the system still holds back is lost with a reset
    onRequests(socket, () => void this.#answer(socket, nth));
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(socket: Socket, nth: number): Promise<void> {
    const answer = this.#answers[this.seen.push(nth) - 1];
    const asked = this.seen.length;
    for (const piece of answer?.pieces ?? []) {
      if (socket.destroyed) return;
      socket.write(piece);
      await turns(this.#chance() < 0.5 ? 0 : 2);
    }
    await turns(this.#chance() < 0.5 ? 0 : 3);
    if (answer?.end === 'reset') socket.resetAndDestroy();
    else if (answer?.end === 'close') socket.end();
    for (let turn = 0; turn < QUIET_TURNS && this.seen.length === asked; turn++) await turns(1);
    if (this.seen.length === asked) socket.end();
  }
}
