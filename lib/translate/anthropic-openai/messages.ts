/**
 * How does a conversation of content blocks become one of chat messages?
 *
 * It is cut into turns: what the assistant said, then everything up to its next word. Of a turn's
 * second half the tool results come first, in the order of the calls, then the rest in its own
 * order:
 *
 *    assistant: text, call A, call B          assistant {content, tool_calls: [A, B]}
 *    user:      result B, result A, text  ->  tool A
 *    system:    reminder                      tool B
 *                                             user text
 *                                             user <system-reminder>
 *
 * Must stay true: every call has exactly one result right behind it; ids of calls are unique; a
 * turn depends on nothing behind it, so that the messages of one request are a prefix of the next
 * one's and provider caches hold.
 */
import type { ChatDialect } from '../../providers/types.ts';
import type {
  ContentBlock,
  Message,
  ToolResultBlock,
  ToolUseBlock,
} from '../../wire/anthropic-request.ts';
import type { ChatMessage, ChatPart, ChatToolCall } from '../../wire/openai-request.ts';
import { CallIds } from './call-ids.ts';
import { isObject } from './checks.ts';
import { enclosed, type Reader, renderContent, userContent } from './content.ts';
import { NO_RESULT, renderResult } from './results.ts';
import { leadingSystemEntries, PARAGRAPH } from './system.ts';

/** Stands first where no user message is left: a conversation without one is refused (WIRE.md
 *  §F.3), and templates expect a user to begin. */
const NOBODY_SPOKE: ChatMessage = { role: 'user', content: '(continue)' };

/** A call and, once it is found, its result. */
interface OpenCall {
  readonly block: ToolUseBlock;
  readonly id: string;
  result: ToolResultBlock | undefined;
}

/** The chat messages of the entries behind the leading system ones. */
export function chatMessages(
  messages: readonly Message[],
  reader: Reader,
  dialect: ChatDialect,
): ChatMessage[] {
  const conversation = new Conversation(reader, dialect);
  let at = leadingSystemEntries(messages);
  while (at < messages.length) {
    const spoken = endOf(messages, at, (role) => role === 'assistant');
    const replied = endOf(messages, spoken, (role) => role !== 'assistant');
    conversation.addTurn(messages.slice(at, spoken), messages.slice(spoken, replied));
    at = replied;
  }
  return conversation.finished();
}

function endOf(
  messages: readonly Message[],
  start: number,
  belongs: (role: Message['role']) => boolean,
): number {
  let end = start;
  for (let next = messages[end]; next !== undefined && belongs(next.role); next = messages[end]) {
    end += 1;
  }
  return end;
}

class Conversation {
  readonly #out: ChatMessage[] = [];
  readonly #ids = new CallIds();
  readonly #reader: Reader;
  readonly #dialect: ChatDialect;

  constructor(reader: Reader, dialect: ChatDialect) {
    this.#reader = reader;
    this.#dialect = dialect;
  }

  addTurn(spoken: readonly Message[], replies: readonly Message[]): void {
    const calls = this.#addAssistant(spoken);
    const open = byClientId(calls);
    const rests = replies.map((message) => answerCalls(message, open));
    const images = this.#addResults(calls);
    for (const rest of rests) {
      if (rest.role === 'system') this.#addReminder(rest);
      // The pictures of results belong to the first user message; it is where the results were.
      else this.#addUser([...images.splice(0), ...renderContent(rest.content, this.#reader)]);
    }
  }

  finished(): ChatMessage[] {
    if (this.#out.some((message) => message.role === 'user')) return this.#out;
    return [NOBODY_SPOKE, ...this.#out];
  }

  /** Entries of the assistant that follow each other are one message, as they are to Anthropic: the
   *  results of all their calls come behind the last of them. */
  #addAssistant(entries: readonly Message[]): OpenCall[] {
    const said = new Said();
    for (const entry of entries) said.take(entry);
    const calls = said.calls.map((block) => ({
      block,
      id: this.#ids.unique(block.id),
      result: undefined,
    }));
    const text = said.texts.join(PARAGRAPH);
    if (text === '' && calls.length === 0) return [];
    this.#out.push({
      role: 'assistant',
      content: text === '' ? this.#dialect.emptyContent : text,
      ...this.#reasoning(said.thoughts.join(PARAGRAPH)),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => this.#chatCall(call)) }),
    });
    return calls;
  }

  #reasoning(thought: string): { reasoning?: string; reasoning_content?: string } {
    const { reasoningField } = this.#dialect;
    return thought === '' || reasoningField === 'none' ? {} : { [reasoningField]: thought };
  }

  #chatCall({ block, id }: OpenCall): ChatToolCall {
    return {
      id,
      type: 'function',
      function: { name: this.#reader.names.upstream(block.name), arguments: argumentsOf(block) },
    };
  }

  /** Adds a tool message per call, in call order. Gives the pictures that belong behind them. */
  #addResults(calls: readonly OpenCall[]): ChatPart[] {
    const images: ChatPart[] = [];
    for (const { id, result } of calls) {
      const rendered = result === undefined ? undefined : renderResult(result, id, this.#reader);
      const content = rendered?.text ?? NO_RESULT;
      this.#out.push({ role: 'tool', tool_call_id: id, content });
      if (rendered !== undefined) images.push(...rendered.images);
    }
    return images;
  }

  #addUser(parts: readonly ChatPart[]): void {
    const content = userContent(parts);
    if (content !== undefined) this.#out.push({ role: 'user', content });
  }

  /** A system entry keeps its place and is a message of its own, whether its text comes as a
   *  string or as blocks: Claude Code sends it once so and once so (CLIENTS.md §1). */
  #addReminder(entry: Message): void {
    const told = userContent(renderContent(entry.content, this.#reader));
    if (told === undefined) return;
    const content = enclosed('<system-reminder>', told, '</system-reminder>');
    this.#out.push({ role: 'user', content });
  }
}

/** What an assistant's entries hold; server tools, pictures and redacted thinking are left
 *  behind. */
class Said {
  readonly texts: string[] = [];
  readonly thoughts: string[] = [];
  readonly calls: ToolUseBlock[] = [];

  take({ content }: Message): void {
    if (typeof content === 'string') pushText(this.texts, content);
    else for (const block of content) this.#takeBlock(block);
  }

  #takeBlock(block: ContentBlock): void {
    if (block.type === 'text') pushText(this.texts, block.text);
    else if (block.type === 'thinking') pushText(this.thoughts, block.thinking);
    else if (block.type === 'compaction') pushText(this.texts, block.content ?? '');
    else if (block.type === 'tool_use') this.calls.push(block);
  }
}

/** Exact bytes, but no blank text: it would be all there is, and is refused. */
function pushText(texts: string[], text: string): void {
  if (text.trim() !== '') texts.push(text);
}

/** JSON text of an object, never ''. Arguments that were no JSON come back from Claude Code as
 *  `{__unparsedToolInput: {raw, len}}` and go on so: the model sees what it wrote. */
function argumentsOf(block: ToolUseBlock): string {
  const { input } = block;
  if (input === undefined || input === null) return '{}';
  return JSON.stringify(isObject(input) ? input : { input });
}

/** Gives each call its result and returns the message without the results that found their call.
 *  Two calls of one id are answered in their order. */
function answerCalls(message: Message, open: ReadonlyMap<string, OpenCall[]>): Message {
  if (message.role === 'system' || typeof message.content === 'string') return message;
  const content = message.content.filter((block) => {
    if (block.type !== 'tool_result') return true;
    const call = open.get(block.tool_use_id)?.pop();
    if (call !== undefined) call.result = block;
    return call === undefined;
  });
  return { role: message.role, content };
}

/** The calls by the client's id, the first one last, to be popped. */
function byClientId(calls: readonly OpenCall[]): Map<string, OpenCall[]> {
  const open = new Map<string, OpenCall[]>();
  for (let at = calls.length - 1; at >= 0; at--) {
    const call = calls[at] as OpenCall;
    const same = open.get(call.block.id);
    if (same === undefined) open.set(call.block.id, [call]);
    else same.push(call);
  }
  return open;
}
