/**
 * A provider's JSON answer -> the client: the same bytes with the asked model in them.
 *
 * Must stay true: an error that comes with status 200 is a fault, never an answer; what is no JSON
 * object is a fault; nothing but the value of the top-level `model` changes.
 */
import {
  lastMember,
  type ObjectScan,
  parseValue,
  replaceAll,
  scanObject,
  splice,
} from '../json-splice.ts';
import type { TranslatedAnswer, UpstreamFault } from '../translator.ts';
import { errorIn, fault } from '../upstream-fault.ts';
import type { PassthroughOptions } from './stream.ts';
import { UsageReader } from './usage.ts';

const WANTED = ['model', 'usage', 'choices', 'error', 'message', 'msg', 'type'] as const;
/** A top-level member of these makes the body worth a look as an error. */
const SUSPICIOUS: readonly string[] = ['error', 'message', 'msg', 'type'];
/** Whether an answer is worth having is the client's to say: it is not read any further. */
const NOT_READ = '';

/** Answers of `/chat/completions`, `/completions`, `/embeddings`, `/responses` and their like. */
export function relayJson(
  bytes: Buffer,
  { askedModel, estimatedInputTokens }: PassthroughOptions,
): TranslatedAnswer | UpstreamFault {
  const scan = scanObject(bytes, WANTED);
  if (!scan.ok) return fault('nonsense', bytes.toString());
  const error = looksLikeError(scan) ? errorIn(bytes.toString()) : null;
  if (error !== null) return error;
  const usage = new UsageReader(estimatedInputTokens);
  const reported = lastMember(scan, 'usage');
  if (reported !== undefined) usage.take(parseValue(bytes, reported));
  const choices = lastMember(scan, 'choices');
  if (choices !== undefined) usage.addChoices(choices.end - choices.start);
  return {
    body: splice(bytes, replaceAll(bytes, scan, 'model', JSON.stringify(askedModel))),
    usage: usage.usage,
    stopReason: NOT_READ,
    empty: false,
  };
}

function looksLikeError(scan: ObjectScan): boolean {
  return (
    scan.ok && scan.members.some(({ key, kind }) => kind !== 'null' && SUSPICIOUS.includes(key))
  );
}
