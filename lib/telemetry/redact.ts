/**
 * How no secret gets out in a text: a log line, an error message, a provider's words passed on.
 *
 * One regular expression, compiled once, knows every configured secret in the spellings it can take
 * on its way (plain, JSON-escaped, URL-encoded, base64 at any alignment) and the usual looks of
 * credentials that nobody configured. Must stay true: a text without a secret comes back as it is,
 * unallocated; the work is linear in the text; redacting twice changes nothing.
 */
import { MIN_ENCODED_SECRET_CHARS, MIN_SECRET_CHARS } from '../limits.ts';

export const REDACTED = '[redacted]';

/** Credentials by their looks: a client's own token reaches us without being configured. What the
 *  group `keep` holds stays. */
const LOOKS = [
  String.raw`\bc?sk-[\w*-]{8,}`,
  String.raw`(?<keep>\b[Bb]earer\s{1,4})[\w.~+/=*-]{8,}`,
  String.raw`\b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b`, // Zhipu: id.secret
];

/**
 * Makes the function that cuts secrets out of a text, each replaced by `[redacted]`.
 *
 * Secrets shorter than MIN_SECRET_CHARS are not searched for: they are found in any word. Their
 * encoded spellings are searched for from MIN_ENCODED_SECRET_CHARS on.
 */
export function makeRedactor(secrets: readonly string[]): (text: string) => string {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET_CHARS) addSpellings(spellings, secret);
  }
  // Longest first: an alternation takes the first that fits, and a rest of a secret is a leak.
  const known = [...spellings].sort((a, b) => b.length - a.length).map(escapePattern);
  const pattern = new RegExp([...known, ...LOOKS].join('|'), 'g');
  return (text) => text.replace(pattern, `$<keep>${REDACTED}`);
}

function addSpellings(into: Set<string>, secret: string): void {
  into.add(secret);
  if (secret.length < MIN_ENCODED_SECRET_CHARS) return;
  into.add(JSON.stringify(secret).slice(1, -1));
  into.add(encodeUri(secret));
  into.add(lowerHex(encodeUri(secret)));
  for (const spelling of base64Spellings(secret)) {
    into.add(spelling);
    into.add(spelling.replaceAll('+', '-').replaceAll('/', '_'));
  }
  const half = /^[\w-]{8,}\.([\w-]{8,})$/.exec(secret)?.[1]; // Zhipu signs with it alone
  if (half !== undefined) into.add(half);
}

function encodeUri(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    return secret; // half a surrogate pair: it has no URL spelling
  }
}

function lowerHex(encoded: string): string {
  return encoded.replace(/%[0-9A-F]{2}/g, (escaped) => escaped.toLowerCase());
}

/** The secret as it looks alone and inside a longer base64 text, where it starts at bit 0, 8 or 16
 *  of a 24-bit group. Characters that carry bits of a neighbour are left off. */
function base64Spellings(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const spellings = [bytes.toString('base64')];
  for (const offset of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const firstWhole = Math.ceil((offset * 8) / 6);
    const endWhole = Math.floor((shifted.length * 8) / 6);
    spellings.push(shifted.toString('base64').slice(firstWhole, endWhole));
  }
  return spellings;
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
