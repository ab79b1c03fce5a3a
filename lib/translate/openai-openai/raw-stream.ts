/**
 * A stream of any other OpenAI path (`/responses`, audio, …) -> the client, untouched.
 *
 * Must stay true: the bytes go out as they come, framed or not; reading usage along the way never
 * stops or changes them. Without knowing the format, the end of the bytes is the end of the answer.
 */
import { lastMember, parseValue, scanObject } from '../json-splice.ts';
import { type FrameData, FrameSplitter, readFrame } from '../sse-frames.ts';
import type { StreamTranslator, Usage } from '../translator.ts';
import type { PassthroughOptions } from './stream.ts';
import { UsageReader } from './usage.ts';

const USAGE_PLACES = ['usage', 'response'] as const;

export class RawPassthrough implements StreamTranslator {
  begun = false;
  ended = false;
  empty = true;
  readonly fault = null;
  readonly stopReason = null;
  readonly #splitter = new FrameSplitter();
  readonly #usage: UsageReader;

  constructor({ estimatedInputTokens }: Pick<PassthroughOptions, 'estimatedInputTokens'>) {
    this.#usage = new UsageReader(estimatedInputTokens);
  }

  get usage(): Usage {
    return this.#usage.usage;
  }

  push(chunk: Buffer): Buffer | '' {
    if (this.ended || chunk.length === 0) return '';
    this.begun = true;
    this.empty = false;
    this.#splitter.push(chunk);
    while (this.#splitter.next()) this.#read(readFrame(this.#splitter));
    return chunk;
  }

  finish(): '' {
    this.ended = true;
    return '';
  }

  /** Usage stands at the top of an event, or in its `response` object (`response.completed`). */
  #read({ bytes, from, to, lines }: FrameData): void {
    if (lines === 0) return;
    const scan = scanObject(bytes, USAGE_PLACES, from, to);
    const response = lastMember(scan, 'response');
    const inner =
      response?.kind === 'object'
        ? scanObject(bytes, ['usage'], response.start, response.end)
        : scan;
    const usage = lastMember(inner, 'usage');
    if (usage?.kind === 'object') this.#usage.take(parseValue(bytes, usage));
    else if (scan.ok) this.#usage.addChoices(0);
  }
}
