/**
 * What does the provider do with a request for a model? From its body to the answer's end.
 *
 * The order is that of a real one: who is it, is it well formed, is there such a model, does it fit
 * the window, is there room, then the work. A queued fault strikes before all of that.
 * Must stay true: what was admitted is settled exactly once, with the tokens that were sent.
 */
import type { ServerResponse } from 'node:http';
import type { Envelope } from './answers.ts';
import { delay, respond, sendRefusal, type Work } from './deliver.ts';
import { embeddingsAnswer } from './embeddings.ts';
import { type Fault, FaultQueue } from './faults.ts';
import { type FixedBodies, fixedBodies } from './fixed.ts';
import { type Admission, Limiter } from './limiter.ts';
import { Pacer } from './pace.ts';
import { PrefixCache } from './prefix-cache.ts';
import { rateHeaders } from './rate-headers.ts';
import * as refusals from './refusals.ts';
import { compose, emptyReply } from './reply.ts';
import { type ChatRequest, fields, readChat, text } from './request.ts';
import { type OpenEntry, RequestLog } from './request-log.ts';
import { decide } from './script.ts';
import { type Identity, type ServedModel, type Settings, unlisted } from './settings.ts';
import { findFault } from './strictness.ts';

/** One request for a model, its body read and (where it is JSON) parsed. */
export interface Call {
  readonly kind: 'chat' | 'embeddings';
  readonly response: ServerResponse;
  readonly entry: OpenEntry;
  readonly raw: Buffer;
  /** Undefined where the body is not JSON. */
  readonly body: unknown;
  readonly identity: Identity | undefined;
}

const BYTES_PER_TOKEN = 4;
const NO_IDENTITY: Identity = { label: 'unknown', org: 'unknown', owner: 'unknown' };

export class Provider {
  readonly settings: Settings;
  readonly limiter: Limiter;
  readonly faults = new FaultQueue();
  readonly cache = new PrefixCache();
  readonly log: RequestLog;
  readonly pacer: Pacer;
  readonly fixed: FixedBodies | undefined;
  #sequence = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    this.limiter = new Limiter(settings.limitsOf);
    this.log = new RequestLog(settings.logEntries);
    this.pacer = new Pacer(settings.tokensPerSecond);
    const { fixed, dialect } = settings;
    this.fixed = fixed === undefined ? undefined : fixedBodies(fixed, dialect);
  }

  async serve(call: Call): Promise<void> {
    const { response, entry } = call;
    const { dialect, clock } = this.settings;
    const owner = (call.identity ?? NO_IDENTITY).owner;
    this.limiter.arrive(owner, entry.model, clock());
    const fault = this.faults.next();
    entry.fault = fault?.spelled;
    if (fault?.kind === 'cut') {
      response.socket?.destroy();
      return;
    }
    if (fault?.kind === 'refusal') {
      const { what, afterS } = fault;
      const refusal = refusals.faultRefusal(dialect, what, afterS, entry.model, clock());
      this.#refuse(call, refusal, afterS !== undefined);
      return;
    }
    if (fault?.kind === 'slow' && !(await delay(response, fault.delayMs))) return;
    const chat = readChat(call.body);
    const refusal = this.#check(call, chat);
    if (refusal !== undefined) {
      this.#refuse(call, refusal, this.settings.retryAfter);
      return;
    }
    this.#admit(call, chat, fault);
  }

  modelOf(name: string): ServedModel | undefined {
    const { models, anyModel, dialect } = this.settings;
    return models.get(name) ?? (anyModel ? unlisted(name, dialect) : undefined);
  }

  reset(): void {
    this.limiter.clear();
    this.faults.clear();
    this.cache.clear();
    this.log.clear();
  }

  /** Everything that is refused before limits count. */
  #check(call: Call, chat: ChatRequest): refusals.Refusal | undefined {
    const { dialect, strict } = this.settings;
    const { body, entry, identity } = call;
    if (identity === undefined) return refusals.unknownKey(dialect);
    if (body === undefined) {
      const message = 'The body is not JSON';
      return refusals.complaint(dialect, { param: 'body', code: '1210', message });
    }
    const listed = this.modelOf(entry.model);
    if (call.kind === 'embeddings') {
      const served = listed !== undefined || entry.model.includes('embed');
      return served ? undefined : refusals.unknownModel(dialect, entry.model);
    }
    if (listed === undefined && entry.model !== '') {
      return refusals.unknownModel(dialect, entry.model);
    }
    const found = strict
      ? findFault(dialect, body, { vision: listed?.vision ?? false })
      : undefined;
    if (found !== undefined) return refusals.complaint(dialect, found);
    return this.#tooLong(call.entry.promptTokens, chat, listed?.contextWindow);
  }

  /** Cerebras counts the wanted output in ("messages or completion"), zhipu the prompt alone. */
  #tooLong(
    promptTokens: number,
    chat: ChatRequest,
    windowTokens = Number.POSITIVE_INFINITY,
  ): refusals.Refusal | undefined {
    const { dialect } = this.settings;
    const wanted = dialect === 'cerebras' ? (chat.maxTokens ?? 0) : 0;
    const length = promptTokens + wanted;
    if (length <= windowTokens) return undefined;
    return refusals.contextExceeded(dialect, length, windowTokens);
  }

  #admit(call: Call, chat: ChatRequest, fault: Fault | undefined): void {
    const { dialect, clock, retryAfter } = this.settings;
    const { entry, identity = NO_IDENTITY } = call;
    const nowMs = clock();
    const { promptTokens, model } = entry;
    const need = { promptTokens, maxCompletionTokens: chat.maxTokens };
    const isChat = call.kind === 'chat';
    const admission: Admission = this.limiter.admit(identity.owner, model, need, nowMs, isChat);
    if (admission.kind === 'refused') {
      const hours = this.settings.limitsOf(identity.owner, model).window?.hours ?? 0;
      const { quota, waitMs } = admission;
      this.#refuse(call, refusals.limitReached(dialect, quota, waitMs, nowMs, hours), retryAfter);
      return;
    }
    const settle = (completionTokens: number): void => {
      const { cachedTokens } = entry;
      entry.completionTokens = completionTokens;
      this.limiter.settle(
        admission.ticket,
        { promptTokens, cachedTokens, completionTokens },
        clock(),
      );
    };
    if (!isChat) {
      settle(0);
      const answer = embeddingsAnswer(
        fields(call.body),
        text(fields(call.body).model),
        promptTokens,
      );
      this.#json(call, answer);
      return;
    }
    respond(this.#work(call, chat, fault, settle));
  }

  #json(call: Call, body: string): void {
    call.entry.status = 200;
    call.response.writeHead(200, { 'content-type': 'application/json', ...this.#headers(call) });
    call.response.end(body);
  }

  #work(
    call: Call,
    chat: ChatRequest,
    fault: Fault | undefined,
    settle: (completionTokens: number) => void,
  ): Work {
    const { settings, fixed, pacer } = this;
    const { entry, response } = call;
    const { cachedTokens } = this.#countCached(call);
    const maxOutput = this.modelOf(chat.model)?.maxOutputTokens ?? 0;
    const mute =
      fault?.kind === 'empty' || (fault?.kind === 'network_error' && fault.afterChunks === 0);
    const said = decide(chat, this.#speaker(chat.model), settings.outputTokens);
    const envelope: Envelope = {
      dialect: settings.dialect,
      id: this.nextId(),
      createdS: Math.floor(entry.atMs / 1_000),
      model: chat.model,
      promptTokens: entry.promptTokens,
      cachedTokens,
      usage: settings.usage === 'always' || (settings.usage === 'asked' && chat.includeUsage),
      toolStream: settings.dialect === 'zhipu' && chat.toolStream,
    };
    return {
      response,
      entry,
      reply: mute ? emptyReply() : compose(said, chat, settings.dialect, maxOutput),
      envelope,
      fault,
      stream: chat.stream,
      fixed,
      pacer,
      settings,
      settle,
      headers: () => this.#headers(call),
    };
  }

  #countCached(call: Call): { cachedTokens: number } {
    if (this.fixed === undefined) {
      const { org } = call.identity ?? NO_IDENTITY;
      const cachedBytes = this.cache.visit(org, call.raw, this.settings.clock());
      call.entry.cachedTokens = Math.floor(cachedBytes / BYTES_PER_TOKEN);
    }
    return call.entry;
  }

  #speaker(model: string): string {
    const { dialect } = this.settings;
    return `This is the provider simulator (${dialect}, ${model}): no model thinks here.`;
  }

  nextId(): string {
    this.#sequence += 1;
    const hex = this.#sequence.toString(16).padStart(8, '0');
    return this.settings.dialect === 'cerebras' ? `chatcmpl-${hex}` : `20260101000000${hex}`;
  }

  #headers(call: Call): Record<string, string> {
    const { rateHeaders: wanted, clock, resetStyle } = this.settings;
    const id = { 'x-request-id': `sim-${call.entry.seq}` };
    if (!wanted || call.identity === undefined) return id;
    const nowMs = clock();
    const quotas = this.limiter.quotas(call.identity.owner, call.entry.model, nowMs);
    return { ...id, ...rateHeaders(quotas, nowMs, resetStyle) };
  }

  #refuse(call: Call, refusal: refusals.Refusal, withRetryAfter: boolean): void {
    call.entry.status = refusal.status;
    const seconds = withRetryAfter ? refusal.retryAfterS : undefined;
    sendRefusal(call.response, refusal, {
      ...(refusal.rateHeaders === true ? this.#headers(call) : {}),
      ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
    });
  }
}

/** Tokens of a prompt, as estimated from its size. */
export const estimateTokens = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);
