/**
 * Are these the tools of an earlier request?
 *
 * An agent sends its tools with every turn, byte for byte the same: 30 to 60 KB that would be
 * parsed, checked, estimated, translated and written as JSON again. Here lies what came of them.
 *
 * Must stay true: only what is equal in every byte is known; what is made of tools depends on
 * nothing but them, the dialect and `tool_choice`; what is kept is bounded, is not changed, and
 * comes from requests that were read and translated without it.
 */
import {
  MAX_KNOWN_TOOL_BYTES,
  MAX_KNOWN_TOOL_PLANS,
  MAX_KNOWN_TOOL_SET_BYTES,
  MAX_KNOWN_TOOL_SETS,
  MAX_ONCE_SEEN_TOOLS,
  MAX_TRIES_FOR_TOOLS,
  MIN_KNOWN_TOOL_SET_BYTES,
  SKIPPED_FOR_A_TRY,
} from '../../limits.ts';
import type { ChatDialect } from '../../providers/types.ts';
import { lastMember, scanObject } from '../json-splice.ts';
import { SIGN } from './marks.ts';
import type { ToolNames } from './tool-names.ts';

const CLOSE_BRACKET = 0x5d;
const WORD_BYTES = 4;

/** What one dialect is told of the tools, under one `tool_choice`. */
export interface KnownPlan {
  readonly dialect: ChatDialect;
  /** `tool_choice` of the client, as JSON. */
  readonly choice: string;
  /** How the body ends: all fields that speak of tools, and its closing brace. */
  readonly tail: Buffer;
  /** Whether any tool is offered. */
  readonly hasTools: boolean;
  /** The choice in words; '' = nothing to say. */
  readonly hint: string;
  /** The client's names of the tools that are offered. */
  readonly offered: ReadonlySet<string>;
  /** To be copied: names in a conversation are added to it. */
  readonly names: ToolNames;
}

/** The tools of a request. */
export class ToolSet {
  /** The value of `tools`. */
  readonly bytes: Buffer;
  /** Their part of an estimate. */
  readonly tokens: number;
  /** Newest first. */
  plans: readonly KnownPlan[] = [];

  constructor(bytes: Buffer, tokens: number) {
    this.bytes = bytes;
    this.tokens = tokens;
  }

  planFor(dialect: ChatDialect, choice: string): KnownPlan | null {
    for (const plan of this.plans) {
      if (plan.dialect === dialect && plan.choice === choice) return plan;
    }
    return null;
  }

  /** Bytes that are kept for it. */
  get size(): number {
    return this.plans.reduce((size, { tail }) => size + tail.length, this.bytes.length);
  }
}

export class KnownTools {
  /** The one that was used last comes first. */
  readonly #sets: ToolSet[] = [];
  readonly #seenOnce = new Set<number>();
  /** How many requests may still be searched for tools to remember, until only few are. Each one
   *  whose tools are known saves more than a search costs, and gives one more. */
  #tries = MAX_TRIES_FOR_TOOLS;
  #skipped = 0;
  #size = 0;

  /** Bytes kept, all together. */
  get size(): number {
    return this.#size;
  }

  /** The set that stands at `at` of a body. */
  find(bytes: Buffer, at: number): ToolSet | null {
    const sets = this.#sets;
    for (let index = 0; index < sets.length; index++) {
      const set = sets[index] as ToolSet;
      const { length } = set.bytes;
      if (bytes[at + length - 1] !== CLOSE_BRACKET) continue;
      if (bytes.compare(set.bytes, 0, length, at, at + length) !== 0) continue;
      if (index > 0) sets.unshift(...sets.splice(index, 1));
      this.#tries = Math.min(this.#tries + 1, MAX_TRIES_FOR_TOOLS);
      return set;
    }
    return null;
  }

  /** The tools of a valid request, whole, where they are worth remembering and came before. The
   *  first time only a mark of them is kept: some clients change theirs with each request. */
  cameBefore(bytes: Buffer): Buffer | null {
    if (this.#tries === 0 && ++this.#skipped % SKIPPED_FOR_A_TRY !== 0) return null;
    this.#tries = Math.max(0, this.#tries - 1);
    const member = lastMember(scanObject(bytes, ['tools']), 'tools');
    if (member?.kind !== 'array') return null;
    const tools = bytes.subarray(member.start, member.end);
    const { length } = tools;
    if (length < MIN_KNOWN_TOOL_SET_BYTES || length > MAX_KNOWN_TOOL_SET_BYTES) return null;
    if (tools.includes(SIGN)) return null; // whoever has it is read whole, tools and all
    const mark = markOf(tools);
    if (this.#seenOnce.delete(mark)) return tools;
    if (this.#seenOnce.size >= MAX_ONCE_SEEN_TOOLS) this.#seenOnce.clear();
    this.#seenOnce.add(mark);
    return null;
  }

  /** Remembers a copy of `tools`. */
  add(tools: Buffer, tokens: number): ToolSet {
    const same = this.find(tools, 0);
    if (same !== null) return same;
    const set = new ToolSet(Buffer.from(tools), tokens);
    this.#sets.unshift(set);
    this.#size += set.size;
    this.#shrink();
    return set;
  }

  /** Remembers a plan for a set, unless the set itself is forgotten by now. */
  addPlan(set: ToolSet, plan: KnownPlan): void {
    if (!this.#sets.includes(set)) return;
    this.#size -= set.size;
    set.plans = [plan, ...set.plans].slice(0, MAX_KNOWN_TOOL_PLANS);
    this.#size += set.size;
    this.#shrink();
  }

  /** Forgets what was not used for longest. */
  #shrink(): void {
    while (this.#sets.length > MAX_KNOWN_TOOL_SETS || this.#size > MAX_KNOWN_TOOL_BYTES) {
      this.#size -= this.#sets.pop()?.size ?? 0;
    }
  }
}

/** 32 bits of all that is in it (FNV-1a over words). Equal marks of two sets cost a copy, no
 *  more. */
function markOf(bytes: Buffer): number {
  const { length } = bytes;
  const words = new DataView(bytes.buffer, bytes.byteOffset, length);
  let mark = words.getInt32(length - WORD_BYTES);
  for (let at = 0; at < length - WORD_BYTES; at += WORD_BYTES) {
    mark = Math.imul(mark ^ words.getInt32(at), 0x0100_0193);
  }
  return mark;
}
