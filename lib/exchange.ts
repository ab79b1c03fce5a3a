/**
 * The one object that a request carries down the road. Every field is set at birth, so that all
 * exchanges have one shape; stages fill in what they know. Nothing here decides anything.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyMemory } from './body-memory.ts';
import type { ClientRuntime } from './clients.ts';
import { type Dialect, GatewayError } from './errors.ts';
import type { Gateway, Lane, ProviderRuntime } from './gateway.ts';
import type { Candidate, ModelRoute } from './model-table.ts';
import type { Verdict } from './quotas/cooldown-rules.ts';
import { type Lease, newLease } from './quotas/lease.ts';
import { Reply } from './reply.ts';
import type { Attempt, ClientRequest } from './translate/pair.ts';
import type { Usage } from './translate/translator.ts';
import type { Answer, Call } from './transports/types.ts';

/** An endpoint that is proxied: its words towards the client, and how it reads a request. */
export interface Endpoint {
  readonly dialect: Dialect;
  /** Reads a whole body. Throws INVALID_REQUEST naming the field. `rest` is the path behind the
   *  route's prefix, for endpoints that pass any path through. */
  read(bytes: Buffer, rest: string): ClientRequest;
}

/** Stands where nothing is ever taken. */
const NO_LEASE = newLease();

export class Exchange {
  readonly gateway: Gateway;
  readonly endpoint: Endpoint;
  readonly request: IncomingMessage;
  readonly reply: Reply;
  readonly rest: string;
  /** Null: nobody in particular. */
  readonly client: ClientRuntime | null;
  /** Unique over processes; ids told to the client derive from it. */
  readonly uniqueId: string;
  /** The same as clients and the log see it. */
  readonly id: string;
  readonly startedMs: number;
  /** In the roster of those under way. */
  place = -1;

  // readBody, mapModel
  asked: ClientRequest | null = null;
  route: ModelRoute | null = null;
  /** Estimate of the prompt, and the same as the provider is likely to count it. */
  estimatedTokens = 0;
  promptTokens = 0;

  /** What the request has taken from its client's own limits. */
  readonly clientLease: Lease;

  // per attempt
  attempts = 0;
  /** Why the last attempt failed. */
  verdict: Verdict | null = null;
  waitedMs = 0;
  candidate: Candidate | null = null;
  provider: ProviderRuntime | null = null;
  lane: Lane | null = null;
  readonly lease: Lease = newLease();
  attempt: Attempt | null = null;
  /** The candidate that `attempt` was made for. */
  rewrittenFor: Candidate | null = null;
  /** Keys that failed this request by a fault of the network; others are preferred. */
  readonly tried: Lane[] = [];
  /** Providers (by index) that this request goes on without. */
  readonly avoid: number[] = [];
  /** Faults at the provider of the last attempt. */
  faultsAtProvider = 0;
  /** A smaller output maximum that the provider's own refusal asked for; 0 = none. */
  maxOutputTokens = 0;
  /** The attempt allows less output than the client asked for and the model could give. */
  sizedBelowAsked = false;
  /** An answer was cut short by that: the next attempt goes without it. */
  wantsFullOutput = false;
  call: Call | null = null;
  answer: Answer | null = null;

  /** Answers without text or tool call so far: one is tried again. */
  emptyAnswers = 0;

  // outcome
  aborted = false;
  error: GatewayError | null = null;
  usage: Usage | null = null;
  /** The bytes read, while an attempt may need them. */
  body: Buffer | null = null;
  bodyBytes = 0;
  /** Wall clock of the first byte told to the client; 0 = none yet. */
  firstByteMs = 0;
  /** `performance.now()` when the body was there, and when the first attempt went out; 0 = not
   *  yet. */
  readAt = 0;
  sentAt = 0;
  /** Called when the client goes away while the exchange waits for something else than the
   *  upstream. */
  onAbort: (() => void) | null = null;

  constructor(
    gateway: Gateway,
    endpoint: Endpoint,
    request: IncomingMessage,
    response: ServerResponse,
    rest: string,
    client: ClientRuntime | null = null,
  ) {
    this.gateway = gateway;
    this.endpoint = endpoint;
    this.request = request;
    this.rest = rest;
    this.client = client;
    this.clientLease = client === null ? NO_LEASE : newLease();
    this.uniqueId = newUniqueId();
    this.id = `req_${this.uniqueId}`;
    this.reply = new Reply(response, endpoint.dialect, this.id);
    this.startedMs = gateway.nowMs();
  }

  /** The answer has begun, so there is no further attempt: the body, what was read from it and what
   *  was sent are let go of. An answer may take minutes, and a body megabytes. */
  letRequestGo(): void {
    this.letBodyGo();
    this.attempt = null;
    if (this.asked !== null) this.asked = withoutBody(this.asked);
  }

  /** There is no further attempt. Memory whose only call has sent all of it is used again. */
  letBodyGo(): void {
    const { body, call } = this;
    this.body = null;
    if (body === null || this.attempts !== 1 || this.aborted || call?.sent !== true) return;
    bodyMemory.giveBack(body);
  }

  /** Settles as `promise` does, or rejects with CLIENT_GONE as soon as the client hangs up. */
  untilGone<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.onAbort = () => reject(new GatewayError('CLIENT_GONE', 'The client hung up'));
      const end = <V>(settle: (value: V) => void): ((value: V) => void) => {
        return (value) => {
          this.onAbort = null;
          settle(value);
        };
      };
      promise.then(end(resolve), end(reject));
    });
  }

  /** Nobody waits for the answer any more, because the client is gone or for another `reason`: ends
   *  the upstream call and whatever is being waited for. */
  abort(reason = new GatewayError('CLIENT_GONE', 'The client hung up')): void {
    this.aborted = true;
    this.error ??= reason;
    this.call?.abort();
    this.onAbort?.();
  }
}

/** What is still asked of a request whose body is gone. */
function withoutBody({ model, stream, maxTokens, thinkingDisabled }: ClientRequest): ClientRequest {
  return {
    model,
    stream,
    maxTokens,
    thinkingDisabled,
    estimateTokens: gone,
    attempt: gone,
    speaks: no,
  };
}

const no = () => false;
function gone(): never {
  throw new Error('the request was let go of');
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const NONCE = Array.from(randomBytes(12), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
const COUNTER_CHARS = 8;
/** The last two characters of the counter; what is before them changes once in so many ids. */
const ENDS = Array.from({ length: 36 * 36 }, (_, at) => at.toString(36).padStart(2, '0'));
let prefix = '';
let rounds = -1;
let place = ENDS.length;

/** 20 characters `[A-Za-z0-9]`: a nonce of this process and thread (71 bits), then a counter. */
export function newUniqueId(): string {
  if (place === ENDS.length) {
    rounds += 1;
    prefix = NONCE + rounds.toString(36).padStart(COUNTER_CHARS - 2, '0');
    place = 0;
  }
  const end = ENDS[place] as string;
  place += 1;
  return prefix + end;
}
