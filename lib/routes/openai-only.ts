/** An OpenAI client and a provider of the Messages API: that pair of dialects is not built. */
import type { Protocol } from '../providers/types.ts';

export function openaiOnly(upstream: Protocol): boolean {
  return upstream === 'openai';
}
