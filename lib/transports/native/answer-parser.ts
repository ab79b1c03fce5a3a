/**
 * Where does each part of an answer end? One parser per connection, for one answer after the other.
 *
 *   HEAD --interim answer--> HEAD --head--> LENGTH | CHUNKS | UNTIL_CLOSE --> COMPLETE
 *
 * Must stay true: any chunking of the bytes gives the same; the first fault is the last word.
 */
import { MAX_INTERIM_ANSWERS } from '../../limits.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { Fields } from './fields.ts';
import { type Framing, framingOf, isLast, keepMsOf } from './framing.ts';
import { HeadReader } from './head-reader.ts';
import type { KnownHeads } from './known-heads.ts';
import type { Run } from './run.ts';

const HEAD = 0;
const LENGTH = 1;
const CHUNKS = 2;
const UNTIL_CLOSE = 3;
const COMPLETE = 4;

type State = typeof HEAD | typeof LENGTH | typeof CHUNKS | typeof UNTIL_CLOSE | typeof COMPLETE;

export class AnswerParser {
  /** Why this is no answer; '' while nothing is wrong. */
  fault = '';
  /** How long the connection may be idle after this answer; 0: it is not to be kept. */
  keepMs = 0;
  readonly #head: HeadReader;
  readonly #chunks = new ChunkReader();
  #state: State = HEAD;
  #left = 0;
  #interims = 0;

  /** `known`: the heads that came from the same address. */
  constructor(known: KnownHeads | null = null) {
    this.#head = new HeadReader(known);
  }

  /** Begins anew, with the answer to the next request. */
  begin(): void {
    this.fault = '';
    this.keepMs = 0;
    this.#state = HEAD;
    this.#interims = 0;
    this.#head.begin('head');
  }

  get inHead(): boolean {
    return this.#state === HEAD;
  }

  /** Whether only the end of the connection ends the answer. */
  get untilClose(): boolean {
    return this.#state === UNTIL_CLOSE;
  }

  get complete(): boolean {
    return this.#state === COMPLETE;
  }

  get status(): number {
    return this.#head.status;
  }

  get fields(): Fields {
    return this.#head.fields;
  }

  /** Reads the head, past interim answers; returns where it stopped. */
  readHead(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && this.#state === HEAD && this.fault === '') {
      at = this.#head.read(bytes, at, end);
      this.fault = this.#head.fault;
      if (this.#head.complete && this.fault === '') this.#endHead();
    }
    return at;
  }

  /** Reads the body and adds its content to `run`; returns where it stopped: at `end`, behind the
   *  last byte of the answer, or at the fault. */
  readBody(bytes: Buffer, at: number, end: number, run: Run): number {
    switch (this.#state) {
      case LENGTH:
        return this.#known(bytes, at, end, run);
      case CHUNKS: {
        const stop = this.#chunks.read(bytes, at, end, run);
        this.fault = this.#chunks.fault;
        if (this.#chunks.complete) this.#state = COMPLETE;
        return stop;
      }
      case UNTIL_CLOSE:
        if (at < end) run.add(bytes, at, end);
        return end;
      case HEAD:
      case COMPLETE:
        return at;
      default: {
        const never: never = this.#state;
        throw new TypeError(`no state ${String(never)}`);
      }
    }
  }

  /** The other side will send no more. False: the answer is not whole. */
  close(): boolean {
    if (this.#state === UNTIL_CLOSE) this.#state = COMPLETE;
    return this.#state === COMPLETE;
  }

  #known(bytes: Buffer, at: number, end: number, run: Run): number {
    const stop = Math.min(end, at + this.#left);
    if (at < stop) run.add(bytes, at, stop);
    this.#left -= stop - at;
    if (this.#left === 0) this.#state = COMPLETE;
    return stop;
  }

  #endHead(): void {
    const { status } = this.#head;
    const framing = framingOf(this.#head);
    if (framing.kind === 'fault') this.fault = framing.why;
    else if (status === 101) this.fault = 'an upgrade that nobody asked for';
    else if (status < 200) this.#skipInterim();
    else this.#frame(framing);
  }

  #skipInterim(): void {
    if (isLast(this.#head)) this.fault = 'an interim answer that is the last';
    else if (++this.#interims > MAX_INTERIM_ANSWERS) this.fault = 'too many interim answers';
    else this.#head.begin('head');
  }

  #frame(framing: Exclude<Framing, { kind: 'fault' }>): void {
    this.keepMs = framing.kind === 'until-close' ? 0 : keepMsOf(this.#head);
    switch (framing.kind) {
      case 'length':
        this.#left = framing.bytes;
        this.#state = framing.bytes === 0 ? COMPLETE : LENGTH;
        return;
      case 'chunked':
        this.#chunks.begin();
        this.#state = CHUNKS;
        return;
      case 'until-close':
        this.#state = UNTIL_CLOSE;
        return;
      default: {
        const never: never = framing;
        throw new TypeError(`no framing ${String(never)}`);
      }
    }
  }
}
