/**
 * What do the bytes of a Messages request become for a provider that speaks the same protocol?
 *
 * Must stay true: every byte stays, but for the value of the top-level `model` and for thinking
 * blocks that we made ourselves out of another provider's reasoning: their signature begins with
 * our mark, and the real API refuses signatures that are not its own (WIRE.md §B.7).
 */
import { GatewayError } from '../../errors.ts';
import type { JsonValue } from '../json-scanner.ts';
import {
  type Edit,
  lastMember,
  replaceAll,
  scanElements,
  scanObject,
  splice,
  stringOf,
} from '../json-splice.ts';
import { OWN_SIGNATURE } from '../own-signature.ts';

/** How signatures begin that this proxy gave to thinking of a provider without signatures. */
const OWN_SIGNATURE_BYTES = Buffer.from(`"${OWN_SIGNATURE}`);

/** The body for a provider. `bytes` has been checked to be a Messages request. Throws
 *  INVALID_REQUEST where it cannot be scanned (nested too deep). Where nothing changes, the very
 *  bytes that came. */
export function rewrite(bytes: Buffer, upstreamModel: string): Buffer {
  const scan = scanObject(bytes, ['model', 'messages']);
  if (!scan.ok) throw new GatewayError('INVALID_REQUEST', `The body is no JSON: ${scan.reason}`);
  const edits = replaceAll(bytes, scan, 'model', JSON.stringify(upstreamModel));
  if (bytes.includes(OWN_SIGNATURE_BYTES)) {
    edits.push(...ownThinkingEdits(bytes, lastMember(scan, 'messages')));
  }
  return splice(
    bytes,
    edits.sort((a, b) => a.start - b.start),
  );
}

/** Takes our blocks out; a message that holds nothing else goes with them (an empty one is
 *  refused). */
function ownThinkingEdits(bytes: Buffer, messages: JsonValue | undefined): Edit[] {
  if (messages?.kind !== 'array') return [];
  const list = scanElements(bytes, messages);
  const edits: Edit[] = [];
  const doomed = list.map((message) => {
    const blocks = blocksOf(bytes, message);
    const own = blocks.map((block) => isOwnThinking(bytes, block));
    if (!own.includes(true)) return false;
    if (!own.includes(false)) return true;
    edits.push(...removals(blocks, own));
    return false;
  });
  return [...edits, ...removals(list, doomed)];
}

function blocksOf(bytes: Buffer, message: JsonValue): JsonValue[] {
  const scan = scanObject(bytes, ['content'], message.start, message.end);
  const content = lastMember(scan, 'content');
  return content?.kind === 'array' ? scanElements(bytes, content) : [];
}

function isOwnThinking(bytes: Buffer, block: JsonValue): boolean {
  const scan = scanObject(bytes, ['type', 'signature'], block.start, block.end);
  if (stringOf(bytes, lastMember(scan, 'type')) !== 'thinking') return false;
  return stringOf(bytes, lastMember(scan, 'signature'))?.startsWith(OWN_SIGNATURE) === true;
}

/** Edits that take the `doomed` elements out, each with one comma: the one before it, or, where no
 *  element before it stays, the one behind it. All or none doomed: no edit. */
function removals(elements: readonly JsonValue[], doomed: readonly boolean[]): Edit[] {
  const firstKept = doomed.indexOf(false);
  if (firstKept === -1) return [];
  return elements.flatMap((element, index) => {
    if (doomed[index] !== true) return [];
    const previous = elements[index - 1];
    const next = elements[index + 1];
    const start = index < firstKept ? element.start : (previous?.end ?? element.start);
    const end = index < firstKept ? (next?.start ?? element.end) : element.end;
    return [{ start, end, text: '' }];
  });
}
