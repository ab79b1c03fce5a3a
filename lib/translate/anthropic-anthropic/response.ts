/**
 * A provider's Messages answer -> the client: the same bytes with the asked model in them.
 *
 * Must stay true: an error with status 200 is a fault (Z.ai answers `{code,msg,success:false}` so);
 * what has no `content` list is no message; nothing but the value of `model` changes.
 */
import {
  lastMember,
  parseValue,
  replaceAll,
  scanObject,
  splice,
  stringOf,
} from '../json-splice.ts';
import type { TranslatedAnswer, UpstreamFault } from '../translator.ts';
import { bodyFault } from '../upstream-fault.ts';
import type { MessagesPassthroughOptions } from './stream.ts';
import { MessageUsageReader } from './usage.ts';

const WANTED = ['model', 'usage', 'stop_reason', 'content', 'type'] as const;
/** Blocks that alone are no answer. */
const THOUGHTS = new Set<unknown>(['thinking', 'redacted_thinking']);

/** `stopReason` is the message's own, '' where it has none. */
export function relayMessage(
  bytes: Buffer,
  { askedModel, estimatedInputTokens }: MessagesPassthroughOptions,
): TranslatedAnswer | UpstreamFault {
  const scan = scanObject(bytes, WANTED);
  const content = lastMember(scan, 'content');
  const isError = stringOf(bytes, lastMember(scan, 'type')) === 'error';
  if (content?.kind !== 'array' || isError) return bodyFault(bytes.toString());
  const usage = new MessageUsageReader(estimatedInputTokens);
  usage.addDelta(content.end - content.start);
  const reported = lastMember(scan, 'usage');
  if (reported !== undefined) usage.take(parseValue(bytes, reported), true);
  return {
    body: splice(bytes, replaceAll(bytes, scan, 'model', JSON.stringify(askedModel))),
    usage: usage.usage,
    stopReason: stringOf(bytes, lastMember(scan, 'stop_reason')) ?? '',
    empty: !hasAnswer(parseValue(bytes, content)),
  };
}

function hasAnswer(content: unknown): boolean {
  return (
    Array.isArray(content) &&
    content.some((block: { type?: unknown; text?: unknown } | null) => {
      if (block?.type === 'text') return block.text !== '';
      return block !== null && !THOUGHTS.has(block.type);
    })
  );
}
