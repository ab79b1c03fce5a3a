/** Which frames does this stream send, in order, with its fault? Turns an answer into a source. */
import { DONE_FRAME, type Envelope, Frames } from './answers.ts';
import type { Fault } from './faults.ts';
import type { FrameSource } from './pace.ts';
import { errorChunk } from './refusals.ts';
import type { Reply } from './reply.ts';

/** A chunk that stops in the middle of its JSON. */
const TRUNCATED_FRAME = 'data: {"id":"chatcmpl-sim","choices":[{"del\n\n';

export class AnswerStream implements FrameSource {
  readonly #frames: Frames;
  readonly #all: Iterator<string, void>;
  readonly #fault: Fault | undefined;

  constructor(reply: Reply, envelope: Envelope, fault: Fault | undefined) {
    this.#frames = new Frames(reply, envelope);
    this.#fault = fault;
    this.#all = script(this.#frames, envelope, fault);
  }

  get sentTokens(): number {
    return this.#frames.sentTokens;
  }

  next(): string | undefined {
    return this.#all.next().value ?? undefined;
  }

  ending(): 'end' | 'cut' | 'hang' {
    if (this.#fault?.kind === 'cutafter') return 'cut';
    return this.#fault?.kind === 'idle' ? 'hang' : 'end';
  }
}

function* script(
  frames: Frames,
  envelope: Envelope,
  fault: Fault | undefined,
): Generator<string, void> {
  const error = `data: ${errorChunk(envelope.dialect, envelope.id)}\n\n`;
  switch (fault?.kind) {
    case 'errorchunk':
      yield error;
      return;
    case 'json':
      yield TRUNCATED_FRAME;
      return;
    case 'nofinish':
      yield* frames.deltas();
      return;
    case 'cutafter':
    case 'idle':
      yield* first(frames.deltas(), fault.afterChunks);
      return;
    case 'midstream':
      yield* first(frames.deltas(), fault.afterChunks);
      yield error;
      return;
    case 'network_error':
      yield* first(frames.deltas(), fault.afterChunks);
      yield frames.finish('network_error');
      yield DONE_FRAME;
      return;
    case 'ok':
    case 'cut':
    case 'void':
    case 'empty':
    case 'refusal':
    case 'slow':
    case 'stall':
    case undefined:
      yield* frames.deltas();
      yield frames.finish();
      yield DONE_FRAME;
      return;
    default: {
      const never: never = fault;
      throw new TypeError(`Unknown fault ${String(never)}`);
    }
  }
}

function* first(all: Iterable<string>, count: number): Generator<string, void> {
  let left = count;
  if (left === 0) return;
  for (const frame of all) {
    yield frame;
    left -= 1;
    if (left <= 0) return;
  }
}

/** The same frames for everybody (`fixed` answers): each counts as one token. */
export class FixedStream implements FrameSource {
  sentTokens = 0;
  readonly #frames: readonly string[];

  constructor(frames: readonly string[]) {
    this.#frames = frames;
  }

  next(): string | undefined {
    const frame = this.#frames[this.sentTokens];
    this.sentTokens += 1;
    return frame;
  }

  ending(): 'end' {
    return 'end';
  }
}
