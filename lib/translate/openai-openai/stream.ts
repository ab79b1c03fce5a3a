/**
 * A chat completion stream of a provider -> the same stream for the client, as bytes (WIRE.md §D).
 *
 * What changes: the value of `model` becomes what the client asked for; the usage chunk that only
 * we wanted is taken out; a missing `[DONE]` after a finish_reason is added. What does not:
 * everything else, to the byte. Must stay true: a `model` inside content is never touched; an error
 * is a fault; an end without finish_reason and without `[DONE]` is a fault.
 */
import type { Member } from '../json-scanner.ts';
import {
  type Edit,
  lastMember,
  type ObjectScan,
  parseValue,
  replaceAll,
  scanObject,
} from '../json-splice.ts';
import { RelayStream } from '../relay-stream.ts';
import { type FrameData, isDone, textOf } from '../sse-frames.ts';
import type { Usage } from '../translator.ts';
import { errorIn, fault } from '../upstream-fault.ts';
import { readChoices } from './choices.ts';
import { ChunkTemplate } from './chunk-template.ts';
import { UsageReader } from './usage.ts';

const WANTED = ['choices', 'model', 'usage', 'error'] as const;
const DONE_FRAME = 'data: [DONE]\n\n';
/** Zhipu's word for its own broken connection: no end of an answer (WIRE.md §G). */
const BROKEN_FINISH = 'network_error';
const HAS_FINISH = /"finish_reason"\s*:\s*"/;

export interface PassthroughOptions {
  /** What the client asked for; echoed in every chunk. */
  readonly askedModel: string;
  /** Counted when the provider reports nothing. */
  readonly estimatedInputTokens: number;
}

export interface ChatPassthroughOptions extends PassthroughOptions {
  /** We asked for the usage chunk, the client did not. */
  readonly stripUsage: boolean;
}

/** Streams of `/chat/completions` and of the legacy `/completions`. */
export class ChatPassthrough extends RelayStream {
  readonly #askedModel: string;
  readonly #stripUsage: boolean;
  readonly #usage: UsageReader;
  readonly #template = new ChunkTemplate();

  constructor({ askedModel, stripUsage, estimatedInputTokens }: ChatPassthroughOptions) {
    super();
    this.#askedModel = JSON.stringify(askedModel);
    this.#stripUsage = stripUsage;
    this.#usage = new UsageReader(estimatedInputTokens);
  }

  get usage(): Usage {
    return this.#usage.usage;
  }

  protected override shortcut(): boolean {
    const { bytes, start, end } = this.splitter;
    const choicesBytes = this.#template.match(bytes, start, end);
    if (choicesBytes < 0) return false;
    this.#usage.addChoices(choicesBytes);
    this.#template.relay(this.out, bytes, start, end);
    return true;
  }

  protected override frame(data: FrameData): void {
    if (data.lines === 0) this.relay();
    else if (isDone(data)) this.relayLast();
    else if (data.from < data.to) this.#json(data);
  }

  protected override close(): void {
    if (this.stopReason === null) {
      this.fail(fault('cut', ''));
      return;
    }
    this.out.add(DONE_FRAME);
    this.ended = true;
  }

  #json(data: FrameData): void {
    const scan = scanObject(data.bytes, WANTED, data.from, data.to);
    if (!scan.ok) this.fail(fault('nonsense', textOf(data)));
    else if (!this.#isError(data, scan)) this.#chunk(data, scan);
  }

  /** Only what has an `error`, or lacks `choices`, is looked at as an error. */
  #isError(data: FrameData, scan: ObjectScan): boolean {
    const error = lastMember(scan, 'error');
    const named = data.event === 'error' || (error !== undefined && error.kind !== 'null');
    if (!named && lastMember(scan, 'choices') !== undefined) return false;
    const text = textOf(data);
    const found = errorIn(text) ?? (data.event === 'error' ? fault('error', text) : null);
    if (found !== null) this.fail(found);
    return found !== null;
  }

  #chunk(data: FrameData, scan: ObjectScan): void {
    const choices = lastMember(scan, 'choices');
    const usage = lastMember(scan, 'usage');
    if (usage?.kind === 'object') {
      this.#usage.take(parseValue(data.bytes, usage));
      if (this.#stripUsage && isUsageOnly(data.bytes, choices)) return;
    }
    const finish = choices?.kind === 'array' ? this.#look(data.bytes, choices) : null;
    if (this.fault !== null) return;
    const edits = replaceAll(data.bytes, scan, 'model', this.#askedModel);
    this.relayWith(data, edits);
    if (this.begun && finish === null && usage?.kind !== 'object') this.#learn(data, scan, edits);
  }

  /** A template may stand for frames that are one line of data in the splitter's own bytes. */
  #learn(data: FrameData, scan: ObjectScan, edits: readonly Edit[]): void {
    const { bytes, start, end } = this.splitter;
    if (data.bytes === bytes) this.#template.learn(bytes, start, end, scan, edits);
  }

  /** Gives the finish_reason. Until the answer has begun every chunk is read in full; then only
   *  those that name one. */
  #look(bytes: Buffer, choices: Member): string | null {
    this.#usage.addChoices(choices.end - choices.start);
    const text = bytes.toString('latin1', choices.start, choices.end);
    if (this.begun && !this.empty && !HAS_FINISH.test(text)) return null;
    const { content, answer, finishReason } = readChoices(parseValue(bytes, choices));
    if (finishReason === BROKEN_FINISH) {
      this.fail(fault('error', text));
      return finishReason;
    }
    this.stopReason = finishReason ?? this.stopReason;
    if (answer) this.empty = false;
    if (content || finishReason !== null) this.begun = true;
    return finishReason;
  }
}

function isUsageOnly(bytes: Buffer, choices: Member | undefined): boolean {
  if (choices?.kind !== 'array') return true;
  let at = choices.start + 1;
  while ((bytes[at] ?? 0) <= 0x20) at++;
  return at === choices.end - 1;
}
