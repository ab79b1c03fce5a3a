/**
 * What do all passed-through streams have in common? Cutting into events, holding back, the end.
 *
 *    OPENING --content, or too much held--> begun --last event--> ended
 *       |  (events are held)                  |
 *       |                                     +--> fault (what stood before it has been given out)
 *       +--error, nonsense, early end--> fault (held events are dropped: another attempt can be)
 *
 * Must stay true: nothing is given out before `begun`; any chunking gives the same bytes; a body
 * that is no event stream (a JSON error, a page of HTML) is a fault, never content; `push` never
 * throws. The memory of a chunk is given on to the client, so the transport may not use it again.
 */
import { MAX_ERROR_BODY_BYTES, MAX_HELD_STREAM_BYTES } from '../limits.ts';
import { ByteStore } from './byte-store.ts';
import { type Edit, scanObject, splice } from './json-splice.ts';
import { type FrameData, FrameOutput, FrameSplitter, isDone, readFrame } from './sse-frames.ts';
import type { StreamTranslator, UpstreamFault, Usage } from './translator.ts';
import { bodyFault, fault } from './upstream-fault.ts';

/** What the first byte of the body says it is. */
type BodyKind = 'unknown' | 'events' | 'json';

export abstract class RelayStream implements StreamTranslator {
  begun = false;
  ended = false;
  empty = true;
  fault: UpstreamFault | null = null;
  stopReason: string | null = null;

  protected readonly out = new FrameOutput();
  protected readonly splitter = new FrameSplitter();
  #kind: BodyKind = 'unknown';
  readonly #body = new ByteStore();

  abstract get usage(): Usage;

  /** One event, standing in `splitter`. Relays it, sets `begun` at content, `ended` at the last
   *  one, or calls `fail`. */
  protected abstract frame(data: FrameData): void;

  /** Relays the event without reading it, where that is known to be right. */
  protected shortcut(): boolean {
    return false;
  }

  /** The bytes ended without a last event: gives one where the answer is whole, else fails. */
  protected abstract close(): void;

  push(chunk: Buffer): Buffer | '' {
    if (this.ended || this.fault !== null) return '';
    const events = this.#kind === 'events' ? chunk : this.#events(chunk);
    if (events.length > 0) this.#frames(events);
    return this.#release();
  }

  finish(): Buffer | '' {
    if (this.ended || this.fault !== null) return '';
    if (this.#kind === 'json') {
      this.fail(bodyFault(this.#body.view().toString()));
      return '';
    }
    if (this.splitter.waiting) this.#lastFrame();
    if (!this.ended && this.fault === null) this.close();
    return this.#release();
  }

  /** Gives the frame out as it came. */
  protected relay(): void {
    this.out.keep(this.splitter.bytes, this.splitter.start, this.splitter.end);
  }

  /** Gives the frame out as the last one. */
  protected relayLast(): void {
    this.relay();
    this.ended = true;
  }

  /** Gives the frame out with `edits` in its data. */
  protected relayWith(data: FrameData, edits: readonly Edit[]): void {
    if (edits.length === 0) {
      this.relay();
    } else if (data.bytes === this.splitter.bytes) {
      this.#relayParts(edits);
    } else {
      this.out.add(oneLine(data, splice(data.bytes, edits)));
    }
  }

  #relayParts(edits: readonly Edit[]): void {
    const { bytes, start, end } = this.splitter;
    let at = start;
    for (const edit of edits) {
      this.out.keep(bytes, at, edit.start);
      this.out.add(edit.text);
      at = edit.end;
    }
    this.out.keep(bytes, at, end);
  }

  protected fail(failed: UpstreamFault): void {
    this.fault ??= failed;
  }

  #frames(bytes: Buffer): void {
    this.splitter.push(bytes);
    while (!this.ended && this.fault === null && this.splitter.next()) {
      if (!this.shortcut()) this.frame(readFrame(this.splitter));
      if (this.out.length > MAX_HELD_STREAM_BYTES) this.begun = true;
    }
    if (this.splitter.overflowed) this.fail(fault('nonsense', 'an endless line in the stream'));
  }

  /** The last event counts without its blank line, if it is whole; else it has been cut. */
  #lastFrame(): void {
    this.splitter.flush();
    if (!this.splitter.next()) return;
    const data = readFrame(this.splitter);
    if (data.lines > 0 && isWhole(data)) this.frame(data);
  }

  #release(): Buffer | '' {
    if (this.ended) this.begun = true;
    if (this.begun) return this.out.take();
    if (this.fault !== null) this.out.take();
    return '';
  }

  /** Looks at the start of the body. Gives what is to be read as events. */
  #events(chunk: Buffer): Buffer {
    const start = this.#kind === 'json' ? 0 : skipBlank(chunk);
    if (start === chunk.length) return chunk.subarray(start);
    if (this.#kind === 'unknown') this.#kind = kindOf(chunk[start]);
    if (this.#kind === 'events') return start === 0 ? chunk : chunk.subarray(start);
    if (chunk[start] === OPEN_ANGLE && this.#body.length === 0) {
      this.fail(fault('nonsense', chunk.toString('utf8', start)));
    } else if (this.#body.length + chunk.length > MAX_ERROR_BODY_BYTES) {
      this.fail(fault('nonsense', this.#body.view().toString()));
    } else {
      this.#body.append(chunk, start, chunk.length);
    }
    return chunk.subarray(chunk.length);
  }
}

function isWhole(data: FrameData): boolean {
  return isDone(data) || scanObject(data.bytes, [], data.from, data.to).ok;
}

/** Data of several lines was joined with LF, which in JSON can only stand between tokens. */
function oneLine({ event }: FrameData, json: Buffer): string {
  const name = event === '' ? '' : `event: ${event}\n`;
  return `${name}data: ${json.toString().replaceAll('\n', ' ')}\n\n`;
}

const OPEN_ANGLE = 0x3c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

function kindOf(first: number | undefined): BodyKind {
  return first === OPEN_BRACE || first === OPEN_BRACKET || first === OPEN_ANGLE ? 'json' : 'events';
}

function skipBlank(chunk: Buffer): number {
  let at = 0;
  while (at < chunk.length && (chunk[at] ?? 0) <= 0x20) at++;
  return at;
}
