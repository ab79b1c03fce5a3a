/**
 * What does the provider's answer mean? One machine for streams and for whole completions.
 *
 *    READING --finish_reason--> FINISHED --usage, [DONE], end of bytes, any error--> ENDED
 *       |  \--stop sequence, [DONE]---------------------------------------------------^
 *       '--error object, broken finish_reason, nonsense, end of bytes--> FAILED
 *
 * Must stay true: in FINISHED every block is closed and only the usage is awaited, which may come
 * with the finish, after it, or never (WIRE.md §D); an answer that was finished cannot fail any
 * more; nothing that a provider sends is thrown; what cannot be read is a fault, never skipped.
 */
import { ReasoningExtractor, type RunSink } from '../../reasoning/extract.ts';
import type { StopReason } from '../../wire/anthropic-response.ts';
import type { ChatChoice, ChatChunk, ChatDelta } from '../../wire/openai-response.ts';
import type { TranslationContext, UpstreamFault, Usage } from '../translator.ts';
import { fault } from '../upstream-fault.ts';
import { Blocks, type BlockWriter, TEXT, THINKING, TOOL } from './answer-blocks.ts';
import { choiceError, contentOf, firstChoice, reasoningOf, type Said } from './choices.ts';
import { errorIn } from './faults.ts';
import { asRecord } from './loose.ts';
import type { RequestMemo } from './memo.ts';
import { stopReasonOf } from './stop-reasons.ts';
import { StopMatcher } from './stop-sequences.ts';
import { type TextCallSink, TextCalls } from './text-calls.ts';
import { ToolCalls } from './tool-calls.ts';
import { UsageMeter } from './usage.ts';

const READING = 0;
const FINISHED = 1;
const ENDED = 2;
const FAILED = 3;

interface Run {
  readonly kind: typeof TEXT | typeof THINKING;
  readonly text: string;
}

export class Answer implements RunSink, TextCallSink {
  readonly #writer: BlockWriter;
  readonly #dropThinking: boolean;
  readonly #blocks: Blocks;
  readonly #tools: ToolCalls;
  readonly #extractor: ReasoningExtractor;
  /** Null when no tool was offered. */
  readonly #textCalls: TextCalls | null;
  readonly #stops: StopMatcher;
  readonly #meter: UsageMeter;
  #state: typeof READING | typeof FINISHED | typeof ENDED | typeof FAILED = READING;
  /** Text and thinking that came while a tool call was incomplete. */
  #late: Run[] = [];
  #finish = '';
  #stopReason: StopReason | null = null;
  #fault: UpstreamFault | null = null;

  constructor(writer: BlockWriter, memo: RequestMemo, context: TranslationContext) {
    this.#writer = writer;
    this.#dropThinking = memo.thinkingDisabled;
    this.#blocks = new Blocks(writer);
    this.#tools = new ToolCalls(this.#blocks, memo, context.uniqueId);
    this.#extractor = new ReasoningExtractor(this, context.extractReasoning);
    this.#textCalls =
      memo.toolNameSet.size === 0 ? null : new TextCalls(this, (name) => this.#tools.knows(name));
    this.#stops = new StopMatcher(memo.stopSequences);
    this.#meter = new UsageMeter(context.estimatedInputTokens);
  }

  get ended(): boolean {
    return this.#state === ENDED;
  }

  /** Ended or failed: what still comes is ignored. */
  get over(): boolean {
    return this.#state === ENDED || this.#state === FAILED;
  }

  get fault(): UpstreamFault | null {
    return this.#fault;
  }

  get stopReason(): StopReason | null {
    return this.#stopReason;
  }

  get usage(): Usage {
    return this.#meter.snapshot();
  }

  /** No text and no tool call came (yet), and not because a stop sequence stood at the start. */
  get empty(): boolean {
    return !this.#blocks.visible && this.#stops.matched === null;
  }

  /** Tool calls left out because they had no name. */
  get droppedToolCalls(): number {
    return this.#tools.dropped;
  }

  /** Takes the data of one event. `last`: the bytes ended in it, so that bad JSON means a cut.
   *  Gives what was read; undefined where that was no JSON. */
  event(data: string, last: boolean): unknown {
    if (this.over) return undefined;
    const value = parse(data);
    if (value !== undefined) this.#chunk(value, data);
    else this.#notJson(data, last);
    return value;
  }

  /** Takes an event of which is known what it says: `chunk` would come to the same. */
  said(said: Said): void {
    if (this.over) return;
    switch (said.kind) {
      case TEXT:
        this.#content(said.text);
        break;
      case THINKING:
        this.#reasoning(said.text);
        break;
      case TOOL:
        this.#toolCalls(said.calls, false);
        break;
      default:
        said satisfies never;
    }
  }

  /** Takes a whole completion. `body` is its text. */
  whole(body: string): void {
    const value = parse(body);
    if (value !== undefined) this.#chunk(value, body);
    const kind = body.trim() === '' ? 'cut' : 'nonsense';
    if (firstChoice(asRecord(value)?.choices) === undefined) this.fail(fault(kind, body));
    if (!this.over) this.#end();
  }

  /** The bytes ended. `stray`: what came instead of events, if anything did. */
  eof(stray: string): void {
    if (this.over) return;
    if (this.#state === FINISHED) this.#end();
    else if (stray !== '' && this.empty) this.fail(fault('nonsense', stray));
    else this.fail(fault('cut', ''));
  }

  /** The provider failed. After the finish only its usage is lost, so that the answer just ends. */
  fail(what: UpstreamFault): void {
    if (this.#state === FINISHED) this.#end();
    if (this.over) return;
    this.#state = FAILED;
    this.#fault = what;
  }

  /** A run of text, free of reasoning. */
  text(run: string): void {
    if (this.#textCalls === null) this.plainText(run);
    else this.#textCalls.take(run);
  }

  /** A tool call that came as text. */
  textCall(name: string, json: string): void {
    if (this.#stops.matched !== null) return;
    this.#releaseText();
    this.#tools.take([{ function: { name, arguments: json } }], true);
  }

  /** A run of text, free of tool calls too. */
  plainText(run: string): void {
    if (this.#stops.matched !== null || this.#mustWait(TEXT, run)) return;
    const certain = this.#stops.take(run);
    if (certain !== '') this.#blocks.text(certain);
    if (this.#stops.matched !== null && !this.over) this.#end();
  }

  /** A run of reasoning, from a field or from tags. */
  thinking(run: string): void {
    if (this.#dropThinking || this.#stops.matched !== null) return;
    this.#textCalls?.flush();
    if (this.#mustWait(THINKING, run)) return;
    this.#releaseText();
    this.#blocks.thinking(run);
  }

  /** The end mark, or chunks with no blank line between them, which arrive as one event. */
  #notJson(data: string, last: boolean): void {
    const lines = data.trim().split('\n');
    if (lines.length > 1) for (const line of lines) this.event(line, last);
    else if (lines[0] === '[DONE]') this.#end();
    else if (lines[0] !== '') this.fail(fault(last ? 'cut' : 'nonsense', data));
  }

  #chunk(value: unknown, raw: string): void {
    const record = asRecord(value);
    const error = record === undefined ? fault('nonsense', raw) : errorIn(record, raw);
    if (error !== undefined) {
      this.fail(error);
      return;
    }
    const chunk: ChatChunk = record ?? {};
    const choice = firstChoice(chunk.choices);
    const counted = this.#meter.take(chunk.usage) || this.#meter.take(choice?.usage);
    if (choice !== undefined) this.#choice(choice, raw);
    else if (counted && this.#state === FINISHED) this.#end();
  }

  #choice(choice: ChatChoice, raw: string): void {
    const error = choiceError(choice, raw);
    if (error !== undefined) {
      this.fail(error);
      return;
    }
    const delta = asRecord(choice.delta);
    const said = delta ?? asRecord(choice.message);
    if (said !== undefined) this.#delta(said, delta === undefined);
    const finish = choice.finish_reason;
    if (typeof finish === 'string' && finish !== '' && !this.over) this.#finishWith(finish);
  }

  /** `whole`: it is a message, not a piece of one. */
  #delta(delta: ChatDelta, whole: boolean): void {
    const reasoning = reasoningOf(delta);
    if (reasoning !== '') this.#reasoning(reasoning);
    const text = contentOf(delta);
    if (text !== '') this.#content(text);
    if (typeof delta.refusal === 'string' && delta.refusal !== '') this.#content(delta.refusal);
    const calls = delta.tool_calls ?? delta.function_call;
    if (calls !== undefined && calls !== null && !this.over) this.#toolCalls(calls, whole);
  }

  #reasoning(text: string): void {
    this.#flushText();
    this.#meter.addOutput(text);
    this.thinking(text);
  }

  #content(text: string): void {
    if (this.over) return;
    this.#meter.addOutput(text);
    this.#extractor.take(text);
  }

  #toolCalls(calls: unknown, whole: boolean): void {
    this.#flushText();
    this.#releaseText();
    if (this.over) return;
    this.#meter.addOutput(this.#tools.take(Array.isArray(calls) ? calls : [calls], whole));
    if (!this.#tools.busy) this.#releaseLate();
  }

  /** Everything that waits is shown, every block is closed. */
  #settle(): void {
    this.#flushText();
    this.#tools.flush();
    this.#releaseLate();
    this.#releaseText();
    this.#blocks.close();
  }

  #finishWith(finish: string): void {
    this.#finish = finish;
    this.#settle();
    if (this.over) return;
    this.#state = FINISHED;
    this.#stopReason = this.#reason();
  }

  #end(): void {
    this.#state = ENDED; // before the last text is shown, which may hold a stop sequence
    this.#settle();
    this.#stopReason = this.#reason();
    const sequence = this.#stopReason === 'stop_sequence' ? this.#stops.matched : null;
    this.#writer.end(this.#stopReason, sequence, this.#meter.snapshot());
  }

  #reason(): StopReason {
    return stopReasonOf({
      finish: this.#finish,
      calledTool: this.#tools.shown > 0,
      cutInTool: this.#tools.cut,
      stopSequence: this.#stops.matched,
    });
  }

  /** Text that might have begun a tag is text: something else comes now, or nothing. */
  #flushText(): void {
    this.#extractor.flush();
    this.#textCalls?.flush();
  }

  /** Keeps a run while a tool call is incomplete; otherwise makes way for it. */
  #mustWait(kind: Run['kind'], text: string): boolean {
    if (!this.#tools.open) return false;
    this.#tools.pause();
    if (!this.#tools.open) return false;
    this.#late.push({ kind, text });
    return true;
  }

  #releaseLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const { kind, text } of late) {
      if (kind === TEXT) this.plainText(text);
      else this.thinking(text);
    }
  }

  /** Shows text that might have begun a stop sequence: something else comes now. */
  #releaseText(): void {
    const held = this.#stops.flush();
    if (held !== '') this.#blocks.text(held);
  }
}

/** The parsed value; undefined when it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
