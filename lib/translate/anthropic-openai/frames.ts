/**
 * How does a message look as SSE? Writes the frames of a stream (WIRE.md §A.4).
 *
 * The hot path of the proxy: a delta is a constant prefix, the text as JSON, a constant end.
 */
import type { StopReason } from '../../wire/anthropic-response.ts';
import type { TranslationContext, Usage } from '../translator.ts';
import { type BlockKind, type BlockWriter, TEXT, THINKING, TOOL } from './answer-blocks.ts';
import { messageId } from './ids.ts';
import { finalUsage, startUsage } from './usage.ts';

const DELTA_END = '}}\n\n';
const PLAIN_DELTA_END = `"${DELTA_END}`;
/** Text that stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;
const STOP_START = 'event: content_block_stop\ndata: {"type":"content_block_stop","index":';
const DELTA = {
  [TEXT]: '{"type":"text_delta","text":',
  [THINKING]: '{"type":"thinking_delta","thinking":',
  [TOOL]: '{"type":"input_json_delta","partial_json":',
} as const;

export class FrameWriter implements BlockWriter {
  readonly #context: TranslationContext;
  #out = '';
  #started = false;
  #index = 0;
  /** Everything of a delta frame of the open block up to its text, and with the quote of one. */
  #deltaStart = '';
  #plainDeltaStart = '';

  constructor(context: TranslationContext) {
    this.#context = context;
  }

  /** True once a frame was written. */
  get started(): boolean {
    return this.#started;
  }

  /** Gives the frames written since the last call. */
  take(): string {
    const out = this.#out;
    this.#out = '';
    return out;
  }

  open(kind: BlockKind, index: number, toolId: string, toolName: string): void {
    this.#start();
    this.#index = index;
    this.#deltaStart =
      'event: content_block_delta\ndata: {"type":"content_block_delta",' +
      `"index":${index},"delta":${DELTA[kind]}`;
    this.#plainDeltaStart = `${this.#deltaStart}"`;
    this.#out +=
      'event: content_block_start\ndata: {"type":"content_block_start",' +
      `"index":${index},"content_block":${emptyBlock(kind, toolId, toolName)}}\n\n`;
  }

  delta(piece: string): void {
    this.#out += PLAIN.test(piece)
      ? this.#plainDeltaStart + piece + PLAIN_DELTA_END
      : this.#deltaStart + JSON.stringify(piece) + DELTA_END;
  }

  close(signature: string): void {
    const index = this.#index;
    if (signature !== '') {
      this.#out +=
        `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},` +
        `"delta":{"type":"signature_delta","signature":"${signature}"${DELTA_END}`;
    }
    this.#out += `${STOP_START}${index}}

`;
  }

  end(stopReason: StopReason, stopSequence: string | null, usage: Usage): void {
    this.#start();
    const delta = JSON.stringify({ stop_reason: stopReason, stop_sequence: stopSequence });
    this.#out +=
      `event: message_delta\ndata: {"type":"message_delta","delta":${delta},` +
      `"usage":${JSON.stringify(finalUsage(usage))}}\n\n` +
      'event: message_stop\ndata: {"type":"message_stop"}\n\n';
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const message = {
      id: messageId(this.#context.uniqueId),
      type: 'message',
      role: 'assistant',
      model: this.#context.askedModel,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: startUsage(this.#context.estimatedInputTokens),
    };
    const data = JSON.stringify({ type: 'message_start', message });
    this.#out += `event: message_start\ndata: ${data}\n\n`;
  }
}

function emptyBlock(kind: BlockKind, toolId: string, toolName: string): string {
  switch (kind) {
    case TEXT:
      return '{"type":"text","text":""}';
    case THINKING:
      return '{"type":"thinking","thinking":"","signature":""}';
    case TOOL:
      return `{"type":"tool_use","id":"${toolId}","name":${JSON.stringify(toolName)},"input":{}}`;
    default:
      return kind satisfies never;
  }
}
