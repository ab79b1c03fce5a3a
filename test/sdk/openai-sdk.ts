/** What do the tests ask the OpenAI SDK? */
import OpenAI from 'openai';

/** A client that repeats nothing by itself. */
export function clientOf({ url }: { readonly url: string }): OpenAI {
  return new OpenAI({ apiKey: 'a-client-token', baseURL: `${url}/openai`, maxRetries: 0 });
}

/** Body of a request that says `content`. */
export function saying(content: string): {
  model: string;
  messages: { role: 'user'; content: string }[];
} {
  return { model: 'glm-4.6', messages: [{ role: 'user', content }] };
}
