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
import { readChoices } from './choices.ts';
import type { PassthroughOptions } from './stream.ts';
import { UsageReader } from './usage.ts';

const WANTED = ['model', 'usage', 'choices', 'error', 'message', 'msg', 'type'] as const;
/** A top-level member of these makes the body worth a look as an error. */
const SUSPICIOUS: readonly string[] = ['error', 'message', 'msg', 'type'];
/** `choices` of chat and legacy completions; other answers have no stop reason. */
const NO_STOP_REASON = '';

/**
 * Answers of `/chat/completions`, `/completions`, `/embeddings`, `/responses` and their like.
 * `stopReason` is the `finish_reason`, '' where the kind of answer has none.
 */
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
  const said = choices === undefined ? undefined : readChoices(parseValue(bytes, choices));
  if (choices !== undefined) usage.addChoices(choices.end - choices.start);
  return {
    body: splice(bytes, replaceAll(bytes, scan, 'model', JSON.stringify(askedModel))),
    usage: usage.usage,
    stopReason: said?.finishReason ?? NO_STOP_REASON,
    empty: said !== undefined && !said.answer,
  };
}

function looksLikeError(scan: ObjectScan): boolean {
  return (
    scan.ok && scan.members.some(({ key, kind }) => kind !== 'null' && SUSPICIOUS.includes(key))
  );
}
