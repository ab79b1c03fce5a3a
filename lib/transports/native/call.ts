/**
 * One call through the native client, from the choice of a connection to the end of the answer.
 *
 *   CONNECTING --open--> WAITING --head--> ANSWERED --fault--> DONE
 *        ^------died unused---+
 *
 * A call with a kept-alive connection starts at WAITING; after a clean end it rests at ANSWERED.
 * Limits: `connectTimeoutMs` for CONNECTING (TLS included), `firstByteTimeoutMs` for WAITING, anew
 * when a large body has been sent, `idleTimeoutMs` for each silence of the body while its reader is
 * not pausing. Must stay true: a POST is sent a second time only when a kept-alive connection died
 * before a single byte of an answer (RFC 9110 §9.2.2, RFC 9112 §9.3.1), and then on a new
 * connection; a call that is aborted in the turn it was made in is not sent at all.
 */
import { codingOf, hasNoBody, withoutCoding } from '../decode.ts';
import type { Dial, Dialing } from '../dial.ts';
import { ownError, transportError } from '../faults.ts';
import type { Answer, Call, Origin, TransportError, UpstreamRequest } from '../types.ts';
import { type TimeoutFault, Watch } from '../watch.ts';
import { type CodedAnswer, CodedBody } from './coded-body.ts';
import { Connection, type Receiver } from './connection.ts';
import { type Intake, PlainBody, SOON, type Source } from './plain-body.ts';
import type { Pool } from './pool.ts';
import { type RequestHead, requestHead } from './request-head.ts';

const CONNECTING = 0;
const WAITING = 1;
const ANSWERED = 2;
const DONE = 3;

type State = typeof CONNECTING | typeof WAITING | typeof ANSWERED | typeof DONE;

export class NativeCall implements Call, Receiver, Source {
  readonly answer: Promise<Answer>;
  sent = false;
  readonly #pool: Pool<Connection>;
  readonly #dial: Dial;
  readonly #origin: Origin;
  /** This and its head: until it cannot be sent again, for an answer may take minutes. */
  #asked: UpstreamRequest | undefined;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: TransportError) => void;
  #state: State = CONNECTING;
  #head: RequestHead | undefined;
  /** The connection was used before, so it may have died unseen. */
  #reused = false;
  #dialing: Dialing | undefined;
  /** While the request or its answer is on it. */
  #connection: Connection | undefined;
  #body: Intake | undefined;

  constructor(pool: Pool<Connection>, dial: Dial, asked: UpstreamRequest) {
    this.#pool = pool;
    this.#dial = dial;
    this.#origin = asked.origin;
    this.#asked = asked;
    this.answer = new Promise<Answer>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    void SOON.then(() => this.#start());
  }

  abort(): void {
    this.#giveUp();
    if (this.#body !== undefined) this.#body.mute();
    else this.#fail(ownError('aborted', this.#origin));
  }

  resume(): void {
    this.#connection?.resume();
  }

  pause(): void {
    this.#connection?.pause();
  }

  onCrash(thrown: unknown): void {
    this.#end(transportError(thrown, 'reading', this.#origin));
  }

  onExpired(fault: TimeoutFault): void {
    this.#end(ownError(fault, this.#origin));
  }

  onSent(): void {
    this.sent = true;
    if (this.#state !== WAITING) return;
    this.#connection?.watch.arm('first-byte-timeout', this.#origin.firstByteTimeoutMs);
  }

  onHead(status: number, fields: Record<string, string>): void {
    const origin = this.#origin;
    const coding = hasNoBody(status, fields) ? 'plain' : codingOf(fields['content-encoding']);
    if (coding === 'unknown') {
      this.#end(ownError('protocol', origin, 'unknown content-encoding'));
      return;
    }
    this.#state = ANSWERED;
    this.#asked = undefined;
    this.#head = undefined;
    const { watch } = this.#connection as Connection;
    watch.disarm();
    this.#body =
      coding === 'plain'
        ? new PlainBody(status, fields, this, watch, origin.idleTimeoutMs)
        : this.#coded(status, fields, coding);
    this.#resolve(this.#body.answer);
  }

  onContent(content: Buffer): void {
    this.#body?.add(content);
  }

  onComplete(): void {
    this.#connection = undefined;
    this.#body?.complete();
  }

  onFault(fault: 'protocol', why: string): void {
    this.#end(ownError(fault, this.#origin, why));
  }

  onLost(cause: Error | undefined): void {
    const origin = this.#origin;
    const unused = this.#connection?.silent === true;
    this.#connection = undefined;
    if (this.#state === ANSWERED) {
      this.#end(
        cause === undefined ? ownError('cut', origin) : transportError(cause, 'reading', origin),
      );
    } else if (this.#reused && unused) {
      this.#connect();
    } else {
      this.#end(
        cause === undefined
          ? ownError('before-answer', origin)
          : transportError(cause, 'waiting', origin),
      );
    }
  }

  /** Decoding goes on when the connection has been let go, so its limit has a watch of its own. */
  #coded(status: number, fields: Record<string, string>, coding: CodedAnswer['coding']): CodedBody {
    return new CodedBody({
      status,
      headers: withoutCoding(fields),
      coding,
      source: this,
      watch: new Watch((fault) => this.onExpired(fault)),
      idleMs: this.#origin.idleTimeoutMs,
      onUnreadable: (error) => this.#end(transportError(error, 'reading', this.#origin)),
    });
  }

  #start(): void {
    if (this.#state === DONE || this.#asked === undefined) return;
    const head = requestHead(this.#asked, this.#pool.host);
    if (head === undefined) {
      const why = 'a header or path that HTTP cannot carry';
      this.#end(ownError('connect', this.#origin, why));
      return;
    }
    this.#head = head;
    const idle = this.#pool.take();
    this.#reused = idle !== undefined;
    if (idle === undefined) this.#connect();
    else this.#send(idle);
  }

  /** On a new connection, so that there is no third try. */
  #connect(): void {
    const origin = this.#origin;
    this.#state = CONNECTING;
    this.#reused = false;
    this.sent = false;
    const connection = new Connection(this.#pool, this);
    this.#connection = connection;
    connection.watch.arm('connect-timeout', origin.connectTimeoutMs);
    this.#dialing = this.#dial(origin, { onread: connection.onread }, (error, socket) => {
      this.#dialing = undefined;
      if (error === null) this.#send(connection.attach(socket));
      else this.#end(transportError(error, 'connecting', origin));
    });
  }

  #send(connection: Connection): void {
    this.#connection = connection;
    this.#state = WAITING;
    connection.watch.arm('first-byte-timeout', this.#origin.firstByteTimeoutMs);
    connection.send(this.#head as RequestHead, this.#asked?.body, this);
  }

  #end(error: TransportError): void {
    if (!this.#giveUp()) return;
    if (this.#body === undefined) this.#fail(error);
    else this.#body.fail(error);
  }

  #fail(error: TransportError): void {
    // Whoever waits still gets the rejection; a call nobody waits for must not end the process.
    this.answer.catch(ignore);
    this.#reject(error);
  }

  /** Takes the connection down. False: there was nothing left to give up. */
  #giveUp(): boolean {
    if (this.#state === DONE || this.#body?.ended === true) return false;
    this.#state = DONE;
    this.#dialing?.abort();
    this.#connection?.destroy();
    this.#connection = undefined;
    return true;
  }
}

function ignore(): void {}
