/**
 * Which names do messages, tool calls and thinking get?
 *
 * Must stay true: a tool id is unique over the whole conversation (a repeated one sends Claude Code
 * into an endless loop: CLIENTS.md §2), so ids of providers, which repeat, are never used.
 */
import { OWN_SIGNATURE } from '../own-signature.ts';

export function messageId(uniqueId: string): string {
  return `msg_${uniqueId}`;
}

/** `index`: which tool call of this message, from 0. */
export function toolUseId(uniqueId: string, index: number): string {
  return `toolu_${uniqueId}${String(index).padStart(2, '0')}`;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The start of a signature's hash. */
export const HASH_START = FNV_OFFSET;

/** Goes on with the hash of a thinking text (FNV-1a over UTF-16 units, 32 bits). */
export function hashOn(hash: number, text: string): number {
  let next = hash;
  for (let at = 0; at < text.length; at++) {
    next = Math.imul(next ^ text.charCodeAt(at), FNV_PRIME);
  }
  return next;
}

/** Our marker in the `signature` of a thinking block: it names its maker, and is never empty, so
 *  that clients send the block back (WIRE.md §B.7). */
export function signatureOf(hash: number): string {
  return `${OWN_SIGNATURE}${(hash >>> 0).toString(16).padStart(8, '0')}`;
}
