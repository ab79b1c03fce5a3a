/**
 * What does an answer look like on the wire? JSON bodies and SSE frames of both dialects.
 *
 * Cerebras (WIRE.md §E.6): a role chunk, reasoning, an empty delta, content, each tool call whole
 * in one chunk, then finish_reason with usage and time_info in one chunk; the key finish_reason is
 * absent before. Zhipu (WIRE.md §F.3): the role in every delta, `reasoning_content`, tool
 * arguments streamed only when `tool_stream` asks, usage in the last chunk. Both end in
 * `data: [DONE]`.
 */
import { pieceEnd, type Reply, type ReplyCall } from './reply.ts';
import type { SimulatorDialect } from './types.ts';

/** What an answer says besides the reply itself. */
export interface Envelope {
  readonly dialect: SimulatorDialect;
  readonly id: string;
  readonly createdS: number;
  readonly model: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Whether a stream tells its usage. */
  readonly usage: boolean;
  /** Whether tool arguments come in pieces (zhipu only). */
  readonly toolStream: boolean;
}

const OBJECT = '"object":"chat.completion.chunk"';
export const DONE_FRAME = 'data: [DONE]\n\n';

export function usageOf(envelope: Envelope, reply: Reply): Record<string, unknown> {
  const { promptTokens, cachedTokens } = envelope;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: reply.completionTokens,
    total_tokens: promptTokens + reply.completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    completion_tokens_details: { reasoning_tokens: reply.reasoningTokens },
  };
}

/** Seconds, made up from the sizes: no clock is read. */
function timeInfo(envelope: Envelope, reply: Reply): Record<string, number> {
  const prompt = envelope.promptTokens / 100_000;
  const completion = reply.completionTokens / 1_000;
  return {
    queue_time: 0.0005,
    prompt_time: prompt,
    completion_time: completion,
    total_time: 0.0005 + prompt + completion,
    created: envelope.createdS,
  };
}

const wireCall = ({ id, name, args }: ReplyCall, index: number): Record<string, unknown> => ({
  function: { name, arguments: args },
  type: 'function',
  id,
  index,
});

/** A whole answer. `finish` overrides the reply's own; null leaves it open. */
export function jsonAnswer(
  reply: Reply,
  envelope: Envelope,
  finish: string | null = reply.finish,
): string {
  const { dialect, id, createdS, model } = envelope;
  const message = dialect === 'cerebras' ? cerebrasMessage(reply) : zhipuMessage(reply);
  const choice = { finish_reason: finish, index: 0, message };
  const usage = usageOf(envelope, reply);
  if (dialect === 'zhipu') {
    return JSON.stringify({
      choices: [choice],
      created: createdS,
      id,
      model,
      request_id: id,
      usage,
    });
  }
  return JSON.stringify({
    id,
    choices: [choice],
    created: createdS,
    model,
    system_fingerprint: 'fp_simulator',
    object: 'chat.completion',
    usage,
    time_info: timeInfo(envelope, reply),
  });
}

/** A message that only calls tools has no `content` key (WIRE.md §E.6). */
function cerebrasMessage(reply: Reply): Record<string, unknown> {
  const { content, reasoning, calls } = reply;
  return {
    ...(content === '' && calls.length > 0 ? {} : { content }),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(wireCall) }),
    role: 'assistant',
  };
}

function zhipuMessage(reply: Reply): Record<string, unknown> {
  const { content, reasoning, calls } = reply;
  return {
    content,
    role: 'assistant',
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(wireCall) }),
  };
}

/** The frames of one stream, made one at a time; nothing of them is kept. */
export class Frames {
  /** Tokens in the frames handed out so far. */
  sentTokens = 0;
  readonly #reply: Reply;
  readonly #envelope: Envelope;
  readonly #head: string;
  readonly #tail: string;

  constructor(reply: Reply, envelope: Envelope) {
    const { dialect, id, createdS, model } = envelope;
    this.#reply = reply;
    this.#envelope = envelope;
    const names = `"created":${createdS},"model":${JSON.stringify(model)}`;
    if (dialect === 'cerebras') {
      this.#head = `data: {"id":"${id}","choices":[{"delta":`;
      const rest = `"system_fingerprint":"fp_simulator",${OBJECT}`;
      this.#tail = `,"index":0}],${names},${rest}}\n\n`;
    } else {
      this.#head = `data: {"id":"${id}",${names},${OBJECT},"choices":[{"index":0,"delta":`;
      this.#tail = '}]}\n\n';
    }
  }

  /** Everything before the finish. */
  *deltas(): Generator<string, void> {
    const { dialect } = this.#envelope;
    if (dialect === 'cerebras') yield this.#frame('{"role":"assistant"}');
    const field = dialect === 'cerebras' ? 'reasoning' : 'reasoning_content';
    yield* this.#pieces(field, this.#reply.reasoning);
    if (dialect === 'cerebras' && this.#reply.reasoning !== '') yield this.#frame('{}');
    yield* this.#pieces('content', this.#reply.content);
    for (const [at, call] of this.#reply.calls.entries()) yield* this.#call(call, at);
  }

  /** The last chunk; `finish` overrides the reply's own reason. */
  finish(finish: string = this.#reply.finish): string {
    const { dialect, usage, id, createdS: created, model } = this.#envelope;
    const cerebras = dialect === 'cerebras';
    const delta = cerebras ? {} : { role: 'assistant', content: '' };
    const chunk = {
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices: [{ delta, finish_reason: finish, index: 0 }],
      ...(cerebras ? { system_fingerprint: 'fp_simulator' } : {}),
      ...(usage ? { usage: usageOf(this.#envelope, this.#reply) } : {}),
      ...(cerebras ? { time_info: timeInfo(this.#envelope, this.#reply) } : {}),
    };
    return `data: ${JSON.stringify(chunk)}\n\n`;
  }

  #frame(delta: string): string {
    return this.#head + delta + this.#tail;
  }

  *#pieces(field: string, text: string): Generator<string, void> {
    const start = this.#envelope.dialect === 'cerebras' ? '{' : '{"role":"assistant",';
    const head = `${this.#head}${start}"${field}":`;
    for (let at = 0; at < text.length; ) {
      const end = pieceEnd(text, at);
      this.sentTokens += 1;
      yield `${head}${JSON.stringify(text.slice(at, end))}}${this.#tail}`;
      at = end;
    }
  }

  *#call(call: ReplyCall, index: number): Generator<string, void> {
    this.sentTokens += call.tokens;
    const role = this.#envelope.dialect === 'zhipu' ? { role: 'assistant' } : {};
    const frame = (one: object): string =>
      this.#frame(JSON.stringify({ ...role, tool_calls: [one] }));
    if (!this.#envelope.toolStream) {
      yield frame(wireCall(call, index));
      return;
    }
    yield frame(wireCall({ ...call, args: '' }, index));
    for (let at = 0; at < call.args.length; ) {
      const end = pieceEnd(call.args, at);
      yield frame({ index, function: { arguments: call.args.slice(at, end) } });
      at = end;
    }
  }
}
