/**
 * RELAY. The upstream's body -> the client, translated on the way; the end of the road.
 *
 * Must stay true: until the first frame is out, a fault is only a failed attempt; after it, a fault
 * is told as the last event and nothing is tried again. A slow client pauses its upstream. While a
 * stream runs nothing holds its request (which is why `relay` is no async function).
 */
import { asGatewayError, framesOf, GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { LINGER_MS, MAX_RESPONSE_BYTES } from '../limits.ts';
import { readErrorText } from '../quotas/error-text.ts';
import type { Attempt } from '../translate/pair.ts';
import type { Again, StreamTranslator, UpstreamFault, Usage } from '../translate/translator.ts';
import { type Answer, type BodySink, type Call, TransportError } from '../transports/types.ts';

/** Why an answer did not become one: what the provider said in it, or how the pipe broke. */
export type RelayFault = Again | UpstreamFault | TransportError;

/** Gives the client its answer. Null: done, well or not; a fault: nothing was shown, another
 *  attempt may be made. */
export function relay(x: Exchange): Promise<RelayFault | null> {
  const { answer, attempt, call } = x;
  if (answer === null || attempt === null || call === null) throw new Error('relay before fetch');
  return x.asked?.stream === true
    ? new StreamRelay(x, attempt, answer, call).run()
    : new JsonRelay(x, attempt, call).run(answer);
}

/** A whole answer on its way: its pieces are collected, then read and told. */
class JsonRelay implements BodySink {
  readonly #x: Exchange;
  readonly #attempt: Attempt;
  readonly #call: Call;
  readonly #pieces: Buffer[] = [];
  #size = 0;
  #resolve: (fault: RelayFault | null) => void = () => {};
  #reject: (thrown: unknown) => void = () => {};

  constructor(x: Exchange, attempt: Attempt, call: Call) {
    this.#x = x;
    this.#attempt = attempt;
    this.#call = call;
  }

  /** Rejects with CLIENT_GONE when the client hangs up, or with what our own code threw. */
  run(answer: Answer): Promise<RelayFault | null> {
    const { whole } = answer;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (whole !== undefined && whole.length <= MAX_RESPONSE_BYTES) {
        resolve(this.#tell(whole));
        return;
      }
      this.#x.onAbort = () => reject(new GatewayError('CLIENT_GONE', 'The client hung up'));
      answer.read(this);
    });
  }

  onData(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size <= MAX_RESPONSE_BYTES) return;
    this.#call.abort();
    this.#x.onAbort = null;
    this.#resolve(new TransportError('protocol', 'the answer is too large'));
  }

  onEnd(): void {
    this.#x.onAbort = null;
    try {
      const [only] = this.#pieces;
      const whole = only?.length === this.#size ? only : Buffer.concat(this.#pieces, this.#size);
      this.#resolve(this.#tell(whole));
    } catch (thrown) {
      this.#reject(thrown);
    }
  }

  onError(error: TransportError): void {
    this.#x.onAbort = null;
    this.#resolve(error);
  }

  #tell(bytes: Buffer): RelayFault | null {
    const x = this.#x;
    const told = this.#attempt.json(bytes);
    if ('kind' in told) return told;
    if (isWorthAnotherTry(x, told)) return { kind: 'again', usage: told.usage };
    x.usage = told.usage;
    x.firstByteMs = x.gateway.nowMs();
    x.reply.json(200, told.body);
    return null;
  }
}

/**
 * An answer of which nothing was shown is asked for once more where it holds neither text nor a
 * tool call (WIRE.md §G), or where it was cut short only because less was allowed than the client
 * asked for (rewrite-body.ts).
 */
function isWorthAnotherTry(
  x: Exchange,
  { empty, stopReason }: Pick<StreamTranslator, 'empty' | 'stopReason'>,
): boolean {
  if (x.reply.opened) return false;
  if (stopReason === 'max_tokens' && x.sizedBelowAsked && !x.wantsFullOutput) {
    x.wantsFullOutput = true;
    x.rewrittenFor = null;
    return true;
  }
  if (!empty || stopReason !== 'end_turn' || x.emptyAnswers > 0) return false;
  x.emptyAnswers += 1;
  return true;
}

/** One stream on its way. Ends exactly once, through `#finish` or, where our own code failed,
 *  through `#crash`: a callback of a socket or timer has nobody above it who could catch. */
class StreamRelay {
  readonly #x: Exchange;
  readonly #wholeFrames: boolean;
  readonly #answer: Answer;
  readonly #call: Call;
  readonly #translator: StreamTranslator;
  #resolve: (fault: RelayFault | null) => void = () => {};
  #reject: (thrown: unknown) => void = () => {};
  #finished = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(x: Exchange, attempt: Attempt, answer: Answer, call: Call) {
    this.#x = x;
    this.#wholeFrames = attempt.wholeFrames;
    this.#answer = answer;
    this.#call = call;
    this.#translator = attempt.stream();
  }

  run(): Promise<RelayFault | null> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#x.onAbort = () => this.#finish(null);
      this.#guarded(() => this.#answer.read(this.#sink()));
    });
  }

  #sink(): BodySink {
    return {
      onData: (chunk) => {
        try {
          this.#onData(chunk);
        } catch (thrown) {
          this.#crash(thrown);
        }
      },
      onEnd: () => this.#guarded(() => this.#onEnd()),
      onError: (error) => this.#guarded(() => this.#broken(error)),
    };
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#crash(thrown);
    }
  }

  #onData(chunk: Buffer): void {
    if (this.#finished) return;
    const translator = this.#translator;
    const frames = translator.push(chunk);
    if (translator.ended && isWorthAnotherTry(this.#x, translator)) {
      this.#call.abort();
      this.#finish({ kind: 'again', usage: translator.usage });
      return;
    }
    this.#give(frames, translator.ended || translator.fault !== null);
    if (translator.fault !== null) this.#broken(translator.fault);
    else if (translator.ended) this.#complete(true);
  }

  #onEnd(): void {
    clearTimeout(this.#linger);
    if (this.#finished) return;
    const translator = this.#translator;
    const frames = translator.finish();
    if (translator.fault !== null) {
      this.#give(frames, true);
      this.#broken(translator.fault);
      return;
    }
    if (translator.ended && isWorthAnotherTry(this.#x, translator)) {
      this.#finish({ kind: 'again', usage: translator.usage });
      return;
    }
    this.#give(frames, true);
    this.#complete(false);
  }

  /** `last`: nothing but the end follows. */
  #give(frames: string | Buffer, last: boolean): void {
    if (frames.length === 0) return;
    const { reply, gateway } = this.#x;
    if (!reply.opened) {
      this.#x.firstByteMs = gateway.nowMs();
      reply.open(this.#wholeFrames);
      this.#x.letRequestGo();
    }
    if (reply.write(frames, last)) return;
    this.#answer.pause();
    reply.onDrain(() => this.#guarded(() => this.#answer.resume()));
  }

  /** The client has everything. The upstream may end by itself for a moment (its connection can be
   *  used again), unless a stop sequence was matched here and it would only go on writing. */
  #complete(upstreamOpen: boolean): void {
    this.#x.reply.open(this.#wholeFrames);
    this.#x.reply.end();
    if (upstreamOpen) {
      if (this.#translator.stopReason === 'stop_sequence') this.#call.abort();
      else this.#linger = setTimeout(() => this.#call.abort(), LINGER_MS);
    }
    this.#finish(null);
  }

  #broken(fault: UpstreamFault | TransportError): void {
    clearTimeout(this.#linger);
    if (this.#finished) return;
    this.#call.abort();
    if (!this.#x.reply.opened) {
      this.#finish(fault);
      return;
    }
    const reason = fault instanceof TransportError ? fault.message : faultText(fault);
    const error = new GatewayError(
      'UPSTREAM_FAILED',
      this.#x.gateway.redact(`The provider's answer broke off: ${reason}`),
    );
    this.#x.error = error;
    if (!('told' in fault) || fault.told !== true) this.#x.reply.fail(error);
    else this.#x.reply.end();
    this.#finish(null);
  }

  #finish(fault: RelayFault | null): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#x.onAbort = null;
    this.#x.usage = this.#usage();
    this.#resolve(fault);
  }

  /** A fault of our own: this request ends with it, in whatever way is still open. */
  #crash(thrown: unknown): void {
    clearTimeout(this.#linger);
    this.#call.abort();
    if (this.#finished) {
      const fault = framesOf(asGatewayError(thrown));
      this.#x.gateway.log.error('fault after the end of a stream', {
        request_id: this.#x.id,
        fault,
      });
      return;
    }
    this.#finished = true;
    this.#x.onAbort = null;
    this.#x.usage = this.#usage();
    this.#reject(thrown);
  }

  /** Null: not even that can be asked of it any more. */
  #usage(): Usage | null {
    try {
      return this.#translator.usage;
    } catch {
      return null;
    }
  }
}

function faultText(fault: UpstreamFault): string {
  switch (fault.kind) {
    case 'cut':
      return 'the stream ended too early';
    case 'nonsense':
      return 'it is not what the protocol says';
    case 'error':
      return readErrorText(fault.text).message;
    default: {
      const never: never = fault.kind;
      return never;
    }
  }
}
