/**
 * How does a provider's whole completion become a Messages answer? (WIRE.md §A.3, §D)
 *
 * The same machine as for streams reads it, as one large delta. Must stay true: the arguments of a
 * tool call are put into the body as the text they came as, so that no nesting can break it.
 */
import type { StopReason } from '../../wire/anthropic-response.ts';
import { SseReader } from '../sse.ts';
import type { TranslatedAnswer, TranslationContext, UpstreamFault, Usage } from '../translator.ts';
import { Answer } from './answer.ts';
import { type BlockKind, type BlockWriter, TEXT, THINKING, TOOL } from './answer-blocks.ts';
import { messageId } from './ids.ts';
import type { RequestMemo } from './memo.ts';
import { objectIn } from './tool-arguments.ts';
import { finalUsage } from './usage.ts';

/** A provider may stream although it was not asked to. */
const LOOKS_LIKE_SSE = /^\s*(?:data|event|id|retry)?:/;

/** Translates a provider's JSON body (status 200). A fault has `kind`, an answer has not. */
export function toMessage(
  bytes: Buffer,
  memo: RequestMemo,
  context: TranslationContext,
): TranslatedAnswer | UpstreamFault {
  const writer = new MessageWriter(context);
  const answer = new Answer(writer, memo, context);
  const body = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (LOOKS_LIKE_SSE.test(body)) {
    const reader = new SseReader({ event: (data) => answer.event(data, false) });
    reader.feed(bytes);
    reader.end();
    answer.eof(reader.stray);
  } else {
    answer.whole(body);
  }
  if (answer.fault !== null) return answer.fault;
  const { usage, empty } = answer;
  return { body: writer.body, usage, stopReason: writer.stopReason, empty };
}

/** Puts blocks together to one message. */
class MessageWriter implements BlockWriter {
  readonly #context: TranslationContext;
  readonly #blocks: string[] = [];
  #kind: BlockKind = TEXT;
  #toolId = '';
  #toolName = '';
  #pieces: string[] = [];
  #body = '';
  #stopReason: StopReason = 'end_turn';

  constructor(context: TranslationContext) {
    this.#context = context;
  }

  get body(): string {
    return this.#body;
  }

  get stopReason(): StopReason {
    return this.#stopReason;
  }

  open(kind: BlockKind, _index: number, toolId: string, toolName: string): void {
    this.#kind = kind;
    this.#toolId = toolId;
    this.#toolName = toolName;
    this.#pieces = [];
  }

  delta(piece: string): void {
    this.#pieces.push(piece);
  }

  close(signature: string): void {
    this.#blocks.push(this.#block(this.#pieces.join(''), signature));
  }

  end(stopReason: StopReason, stopSequence: string | null, usage: Usage): void {
    this.#stopReason = stopReason;
    const tail = JSON.stringify({
      stop_reason: stopReason,
      stop_sequence: stopSequence,
      usage: finalUsage(usage),
    });
    this.#body =
      `{"id":"${messageId(this.#context.uniqueId)}","type":"message","role":"assistant",` +
      `"model":${JSON.stringify(this.#context.askedModel)},` +
      `"content":[${this.#blocks.join(',')}],${tail.slice(1)}`;
  }

  #block(text: string, signature: string): string {
    switch (this.#kind) {
      case TEXT:
        return `{"type":"text","text":${JSON.stringify(text)}}`;
      case THINKING:
        return JSON.stringify({ type: 'thinking', thinking: text, signature });
      case TOOL: {
        const name = JSON.stringify(this.#toolName);
        const head = `{"type":"tool_use","id":"${this.#toolId}","name":${name}`;
        return `${head},"input":${objectIn(text)}}`;
      }
      default:
        return this.#kind satisfies never;
    }
  }
}
