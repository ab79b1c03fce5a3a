/**
 * Which content block is open? The order that clients insist on (WIRE.md §A.4).
 *
 *    CLOSED --text--> TEXT -------+
 *      |  \--thinking--> THINKING +--another kind, or close()--> CLOSED (the index grows)
 *      \--tool call--> TOOL ------+
 *
 * Must stay true: one block is open at a time, indexes are contiguous from 0, each block is closed.
 * A text or thinking block opens with its first character that is not white space: models put line
 * breaks between reasoning and tool calls, and a blank block is shown by clients and refused by
 * Anthropic when it comes back.
 */
import type { StopReason } from '../../wire/anthropic-response.ts';
import type { Usage } from '../translator.ts';
import { HASH_START, hashOn, signatureOf } from './ids.ts';

export const TEXT = 1;
export const THINKING = 2;
export const TOOL = 3;
const CLOSED = 0;

export type BlockKind = typeof TEXT | typeof THINKING | typeof TOOL;

/** Where blocks go: frames of a stream, or the content of one message. */
export interface BlockWriter {
  /** `toolId` and `toolName` are '' unless `kind` is TOOL. */
  open(kind: BlockKind, index: number, toolId: string, toolName: string): void;
  /** More of the open block: text, thinking, or a piece of the tool's JSON. Never ''. */
  delta(piece: string): void;
  /** `signature` is '' unless the block is thinking. */
  close(signature: string): void;
  /** The message is complete. */
  end(stopReason: StopReason, stopSequence: string | null, usage: Usage): void;
}

export class Blocks {
  readonly #writer: BlockWriter;
  #state: typeof CLOSED | BlockKind = CLOSED;
  #index = -1;
  /** White space that waits for something to stand in front of. */
  #blank = '';
  #blankKind: BlockKind = TEXT;
  #hash = HASH_START;
  #visible = false;

  constructor(writer: BlockWriter) {
    this.#writer = writer;
  }

  /** True once a text or tool block was opened. */
  get visible(): boolean {
    return this.#visible;
  }

  text(piece: string): void {
    if (this.#state === TEXT) this.#writer.delta(piece);
    else this.#begin(TEXT, piece);
  }

  thinking(piece: string): void {
    if (this.#state === THINKING) this.#think(piece);
    else this.#begin(THINKING, piece);
  }

  tool(id: string, name: string): void {
    this.#open(TOOL, id, name);
  }

  /** A piece of the JSON of the tool call that was opened last. */
  toolJson(piece: string): void {
    this.#writer.delta(piece);
  }

  close(): void {
    if (this.#state === CLOSED) return;
    this.#writer.close(this.#state === THINKING ? signatureOf(this.#hash) : '');
    this.#state = CLOSED;
  }

  #begin(kind: typeof TEXT | typeof THINKING, piece: string): void {
    if (this.#blankKind !== kind) this.#blank = '';
    this.#blankKind = kind;
    if (!/\S/.test(piece)) {
      this.#blank += piece;
      return;
    }
    const first = this.#blank + piece;
    this.#open(kind, '', '');
    if (kind === THINKING) this.#think(first);
    else this.#writer.delta(first);
  }

  #open(kind: BlockKind, id: string, name: string): void {
    this.close();
    this.#blank = '';
    this.#index += 1;
    this.#hash = HASH_START;
    this.#visible ||= kind !== THINKING;
    this.#writer.open(kind, this.#index, id, name);
    this.#state = kind;
  }

  #think(piece: string): void {
    this.#hash = hashOn(this.#hash, piece);
    this.#writer.delta(piece);
  }
}
