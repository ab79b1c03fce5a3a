/**
 * Did the provider say an error where an answer should be? (WIRE.md §D, §E.4, §F.4)
 *
 * Shapes: `{"error": …}` with or without `status_code`, a flat `{message, type, param, code}`, and
 * a `finish_reason` that means a broken end.
 */
import type { UpstreamFault } from '../translator.ts';
import { fault } from '../upstream-fault.ts';
import { asRecord, type Loose } from './loose.ts';

/** The error that a chunk or body is, or undefined. `raw` is its text. */
export function errorIn(chunk: Loose, raw: string): UpstreamFault | undefined {
  const said = chunk.error;
  if (said !== undefined && said !== null && said !== false && said !== '') {
    return fault('error', raw, statusIn(chunk) || statusIn(asRecord(said)));
  }
  if (Array.isArray(chunk.choices)) return undefined;
  const flat = [chunk.message, chunk.msg, chunk.detail].some((text) => typeof text === 'string');
  return flat ? fault('error', raw, statusIn(chunk)) : undefined;
}

const STATUS_FIELDS = ['status_code', 'status', 'http_status', 'code'] as const;
const STATUS = /^[45]\d\d$/;

/** An HTTP status that the object names, else 0. A provider's own codes have four digits. */
function statusIn(said: Loose | undefined): number {
  for (const field of STATUS_FIELDS) {
    const value = said?.[field];
    if (typeof value !== 'number' && typeof value !== 'string') continue;
    if (STATUS.test(String(value))) return Number(value);
  }
  return 0;
}
