/**
 * A Messages stream of a provider -> the same stream for the client, as bytes (WIRE.md §A.4).
 *
 * What changes: `message.model` in `message_start`; an `event:` line is put before an event that
 * came without (the SDK drops those silently); a missing `message_stop` after a stop_reason is
 * added. Must stay true: no other byte changes; until the first `content_block_start` nothing is
 * given out; an error event after it reaches the client as the provider wrote it, and nothing
 * follows.
 */
import type { Member } from '../json-scanner.ts';
import {
  lastMember,
  type ObjectScan,
  parseValue,
  replaceAll,
  scanObject,
  stringOf,
} from '../json-splice.ts';
import { RelayStream } from '../relay-stream.ts';
import { type FrameData, isDone, textOf } from '../sse-frames.ts';
import type { Usage } from '../translator.ts';
import { errorIn, fault } from '../upstream-fault.ts';
import { MessageUsageReader } from './usage.ts';

const STOP_FRAME = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
const SILENT_BLOCKS = new Set(['text', 'thinking', 'redacted_thinking']);

export interface MessagesPassthroughOptions {
  /** What the client asked for; echoed in `message_start`. */
  readonly askedModel: string;
  /** Counted when the provider reports nothing. */
  readonly estimatedInputTokens: number;
}

export class MessagesPassthrough extends RelayStream {
  readonly #askedModel: string;
  readonly #usage: MessageUsageReader;

  constructor({ askedModel, estimatedInputTokens }: MessagesPassthroughOptions) {
    super();
    this.#askedModel = JSON.stringify(askedModel);
    this.#usage = new MessageUsageReader(estimatedInputTokens);
  }

  get usage(): Usage {
    return this.#usage.usage;
  }

  protected override frame(data: FrameData): void {
    if (data.lines === 0) {
      this.relay();
      return;
    }
    const type = data.event === '' ? (textAt(data, 'type') ?? '') : data.event;
    if (type === '') this.#untyped(data);
    else this.#event(type, data);
  }

  protected override close(): void {
    if (this.stopReason === null) {
      this.fail(fault('cut', ''));
      return;
    }
    this.out.add(STOP_FRAME);
    this.ended = true;
  }

  #event(type: string, data: FrameData): void {
    switch (type) {
      case 'error':
        this.#error(data);
        return;
      case 'message_start':
        this.#start(data);
        return;
      case 'content_block_start':
        this.begun = true;
        if (!SILENT_BLOCKS.has(blockType(data))) this.empty = false;
        break;
      case 'content_block_delta':
        this.#usage.addDelta(data.to - data.from);
        if (this.empty && deltaType(data) === 'text_delta') this.empty = false;
        break;
      case 'message_delta':
        this.#messageDelta(data);
        break;
      case 'message_stop':
        this.ended = true;
        break;
      default: // `ping`, and types that are still to come, are relayed
    }
    this.#named(type, data);
    this.relay();
  }

  #named(type: string, data: FrameData): void {
    if (data.event === '') this.out.add(`event: ${type}\n`);
  }

  #start(data: FrameData): void {
    const message = memberAt(data, 'message');
    const scan = within(data, message, ['model', 'usage']);
    const usage = lastMember(scan, 'usage');
    if (usage !== undefined) this.#usage.take(parseValue(data.bytes, usage), false);
    this.#named('message_start', data);
    this.relayWith(data, replaceAll(data.bytes, scan, 'model', this.#askedModel));
  }

  #messageDelta(data: FrameData): void {
    const scan = scanObject(data.bytes, ['delta', 'usage'], data.from, data.to);
    const usage = lastMember(scan, 'usage');
    if (usage !== undefined) this.#usage.take(parseValue(data.bytes, usage), true);
    const delta = within(data, lastMember(scan, 'delta'), ['stop_reason']);
    this.stopReason = stringOf(data.bytes, lastMember(delta, 'stop_reason')) ?? this.stopReason;
  }

  #error(data: FrameData): void {
    const text = textOf(data);
    const found = errorIn(text) ?? fault('error', text);
    if (!this.begun) {
      this.fail(found);
      return;
    }
    this.#named('error', data);
    this.relayLast();
    this.fail({ ...found, told: true });
  }

  /** Neither an `event:` line nor a `type`: not this protocol, but for an OpenAI-like end or error.
   *  */
  #untyped(data: FrameData): void {
    const text = textOf(data);
    if (isDone(data)) this.close();
    else if (text !== '') this.fail(errorIn(text) ?? fault('nonsense', text));
  }
}

function memberAt({ bytes, from, to }: FrameData, key: string): Member | undefined {
  return lastMember(scanObject(bytes, [key], from, to), key);
}

function textAt(data: FrameData, key: string): string | undefined {
  return stringOf(data.bytes, memberAt(data, key));
}

/** The members `wanted` of an object inside the data; none where it is missing. */
function within(
  { bytes, to }: FrameData,
  object: Member | undefined,
  wanted: readonly string[],
): ObjectScan {
  return scanObject(bytes, wanted, object?.start ?? to, object?.end ?? to);
}

function blockType(data: FrameData): string {
  return nestedType(data, 'content_block');
}

function deltaType(data: FrameData): string {
  return nestedType(data, 'delta');
}

function nestedType(data: FrameData, key: string): string {
  const scan = within(data, memberAt(data, key), ['type']);
  return stringOf(data.bytes, lastMember(scan, 'type')) ?? '';
}
