/**
 * Did the provider say an error where an answer should be? (WIRE.md §D, §E.4, §F.4)
 *
 * Shapes: `{"error": …}` with or without `status_code`, a flat `{message, type, param, code}`, and
 * a `finish_reason` that means a broken end.
 */
import type { UpstreamFault } from '../translator.ts';
import { fault, statusNamedIn } from '../upstream-fault.ts';
import { asRecord, type Loose } from './loose.ts';

/** The error that a chunk or body is, or undefined. `raw` is its text. */
export function errorIn(chunk: Loose, raw: string): UpstreamFault | undefined {
  const said = chunk.error;
  if (said !== undefined && said !== null && said !== false && said !== '') {
    return fault('error', raw, statusNamedIn(chunk, asRecord(said)));
  }
  if (Array.isArray(chunk.choices)) return undefined;
  const flat = [chunk.message, chunk.msg, chunk.detail].some((text) => typeof text === 'string');
  return flat ? fault('error', raw, statusNamedIn(chunk)) : undefined;
}
