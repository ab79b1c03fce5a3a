/**
 * What is sent, to the last token? The script's answer cut to its budget and counted.
 *
 * A token is a piece of four UTF-16 units; a pair of surrogates is never split. What is counted
 * here is what the stream sends, piece by piece, so usage is true.
 */
import { createHash } from 'node:crypto';
import { SIMULATOR_OUTPUT_TOKENS } from './limits.ts';
import type { ChatRequest } from './request.ts';
import type { Said } from './script.ts';
import type { SimulatorDialect } from './types.ts';

export interface ReplyCall {
  readonly id: string;
  readonly name: string;
  readonly args: string;
  readonly tokens: number;
}

export interface Reply {
  readonly reasoning: string;
  readonly content: string;
  readonly calls: readonly ReplyCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls';
  readonly reasoningTokens: number;
  readonly completionTokens: number;
}

const PIECE_UNITS = 4;

/** Where the piece that starts at `at` ends. */
export function pieceEnd(text: string, at: number): number {
  const end = Math.min(at + PIECE_UNITS, text.length);
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end + 1 : end;
}

/** The longest start of `text` that has at most `budget` pieces, and how many those are. */
export function cutToTokens(text: string, budget: number): { cut: string; tokens: number } {
  let at = 0;
  let tokens = 0;
  while (at < text.length && tokens < budget) {
    at = pieceEnd(text, at);
    tokens += 1;
  }
  return { cut: text.slice(0, at), tokens };
}

const countTokens = (text: string): number => cutToTokens(text, Number.POSITIVE_INFINITY).tokens;

const EMPTY: Reply = {
  reasoning: '',
  content: '',
  calls: [],
  finish: 'stop',
  reasoningTokens: 0,
  completionTokens: 0,
};

/** A well-formed answer that says nothing. */
export const emptyReply = (): Reply => EMPTY;

/** Fits an answer into `max_tokens` (and the model's own maximum), stops and thinking switches. */
export function compose(
  said: Said,
  chat: ChatRequest,
  dialect: SimulatorDialect,
  maxOutputTokens: number,
): Reply {
  const budget = Math.min(chat.maxTokens ?? maxOutputTokens, maxOutputTokens);
  const { thought, spoken } = lengthen(said, chat);
  const reasoning = cutToTokens(thought, budget);
  const content = cutToTokens(spoken, budget - reasoning.tokens);
  let used = reasoning.tokens + content.tokens;
  let short = reasoning.cut.length < thought.length || content.cut.length < spoken.length;
  const calls: ReplyCall[] = [];
  for (const [at, { name, args }] of said.calls.entries()) {
    const tokens = countTokens(name) + countTokens(args);
    short ||= used + tokens > budget;
    if (short) break;
    used += tokens;
    calls.push({ id: callId(chat, at, args, dialect), name, args, tokens });
  }
  return {
    reasoning: reasoning.cut,
    content: content.cut,
    calls,
    finish: short ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop',
    reasoningTokens: reasoning.tokens,
    completionTokens: used,
  };
}

function lengthen(said: Said, chat: ChatRequest): { thought: string; spoken: string } {
  const { rawReasoning, thinking, stops } = chat;
  const wanted = Math.min(said.tokens, SIMULATOR_OUTPUT_TOKENS);
  const thinks = thinking && (wanted === 0 || wanted > countTokens(said.reasoning));
  const thought = thinks ? said.reasoning : '';
  const inside = rawReasoning && thought !== '' ? `<think>${thought}</think>\n` : '';
  const text = inside + said.text;
  const room = wanted - (inside === '' ? countTokens(thought) : 0);
  const spoken = wanted === 0 ? text : stretch(text, room);
  return { thought: inside === '' ? thought : '', spoken: beforeStop(spoken, stops) };
}

const FILLER = ' and so on, one word after the other, at the speed that was asked for';

function stretch(text: string, tokens: number): string {
  const { cut, tokens: have } = cutToTokens(text, tokens);
  const units = (tokens - have) * PIECE_UNITS;
  if (units <= 0) return cut;
  const padded = cut.padEnd(Math.ceil(cut.length / PIECE_UNITS) * PIECE_UNITS, '.');
  return cutToTokens(padded.padEnd(padded.length + units, FILLER), tokens).cut;
}

function beforeStop(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

/** Unique in a conversation: it hangs on its length, the call's place and its arguments. Cerebras
 *  has 9 hex digits without a prefix (WIRE.md §E.6). */
function callId(chat: ChatRequest, at: number, args: string, dialect: SimulatorDialect): string {
  const seed = `${chat.model} ${chat.messages.length} ${at} ${args}`;
  const hex = createHash('sha1').update(seed).digest('hex');
  return dialect === 'cerebras' ? hex.slice(0, 9) : `call_${hex.slice(0, 19)}`;
}
