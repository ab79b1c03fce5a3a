/** Which Anthropic SDKs are tried, and what do the tests ask them? */
import Anthropic from '@anthropic-ai/sdk';
import OlderAnthropic from 'anthropic-sdk-0.71';
import type { Rig } from './rigs.ts';

type ErrorClass = new (...args: never[]) => Error;

export interface AnthropicSdk {
  readonly name: string;
  readonly Anthropic: typeof Anthropic;
  /** The classes of statuses that the older one has no class of its own for. */
  readonly tooLarge: ErrorClass;
  readonly overloaded: ErrorClass;
  readonly unavailable: ErrorClass;
  readonly timedOut: ErrorClass;
}

/** The older one is typed as the newer: what the tests use of it is the same. */
const Older = OlderAnthropic as unknown as typeof Anthropic;

export const SDKS: readonly AnthropicSdk[] = [
  {
    name: '1.12',
    Anthropic,
    tooLarge: Anthropic.ContentTooLargeError,
    overloaded: Anthropic.OverloadedError,
    unavailable: Anthropic.ServiceUnavailableError,
    timedOut: Anthropic.GatewayTimeoutError,
  },
  {
    name: '0.71',
    Anthropic: Older,
    tooLarge: Older.APIError,
    overloaded: Older.InternalServerError,
    unavailable: Older.InternalServerError,
    timedOut: Older.InternalServerError,
  },
];

/** A client that repeats nothing by itself. */
export function clientOf(sdk: AnthropicSdk, rig: Rig, maxRetries = 0): Anthropic {
  const baseURL = `${rig.url}/anthropic`;
  return new sdk.Anthropic({ apiKey: 'a-client-token', baseURL, maxRetries });
}

/** Body of a request that says `prompt`. */
export function saying(prompt: string): {
  model: string;
  max_tokens: number;
  messages: { role: 'user'; content: string }[];
} {
  return { model: 'glm-4.6', max_tokens: 2_000, messages: [{ role: 'user', content: prompt }] };
}

/** The blocks of one kind. */
export function only<T extends { readonly type: string }, K extends T['type']>(
  blocks: readonly T[],
  type: K,
): Extract<T, { readonly type: K }>[] {
  return blocks.filter((block): block is Extract<T, { readonly type: K }> => block.type === type);
}
