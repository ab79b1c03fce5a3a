/**
 * A chat completion stream of a provider -> the same stream for the client, as bytes (WIRE.md §D).
 *
 * What changes: the value of `model` becomes what the client asked for; the usage chunk that only we
 * wanted is taken out; a missing `[DONE]` after a finish_reason is added. What does not: everything
 * else, to the byte. Must stay true: a `model` inside content is never touched; an error is a fault;
 * an end without finish_reason and without `[DONE]` is a fault.
 */
import type { Member } from '../json-scanner.ts';
import { lastMember, type ObjectScan, parseValue, replaceAll, scanObject } from '../json-splice.ts';
import { RelayStream } from '../relay-stream.ts';
import { type FrameData, isDone, textOf } from '../sse-frames.ts';
import type { Usage } from '../translator.ts';
import { errorIn, fault } from '../upstream-fault.ts';
import { readChoices } from './choices.ts';
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

  constructor({ askedModel, stripUsage, estimatedInputTokens }: ChatPassthroughOptions) {
    super();
    this.#askedModel = JSON.stringify(askedModel);
    this.#stripUsage = stripUsage;
    this.#usage = new UsageReader(estimatedInputTokens);
  }

  get usage(): Usage {
    return this.#usage.usage;
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
    if (choices?.kind === 'array') this.#look(data.bytes, choices);
    if (this.fault !== null) return;
    this.relayWith(data, replaceAll(data.bytes, scan, 'model', this.#askedModel));
  }

  /** Until the answer has begun every chunk is read; then only those that name a finish_reason. */
  #look(bytes: Buffer, choices: Member): void {
    this.#usage.addChoices(choices.end - choices.start);
    const text = bytes.toString('latin1', choices.start, choices.end);
    if (this.begun && !this.empty && !HAS_FINISH.test(text)) return;
    const said = readChoices(parseValue(bytes, choices));
    if (said.finishReason === BROKEN_FINISH) {
      this.fail(fault('error', text));
      return;
    }
    this.stopReason = said.finishReason ?? this.stopReason;
    if (said.answer) this.empty = false;
    if (said.content || said.finishReason !== null) this.begun = true;
  }
}

function isUsageOnly(bytes: Buffer, choices: Member | undefined): boolean {
  if (choices?.kind !== 'array') return true;
  let at = choices.start + 1;
  while ((bytes[at] ?? 0) <= 0x20) at++;
  return at === choices.end - 1;
}
