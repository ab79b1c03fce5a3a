/**
 * Which short name stands for a long one?
 *
 * A stable, well mixed 128-bit hash of a text (four lanes of 32-bit multiply and xor). It is no
 * secret-grade hash: it keeps ids short, equal for equal input and unreadable to the eye, no more.
 */

const SEEDS = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35] as const;
const PRIMES = [0x01000193, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;

/** 32 hexadecimal characters, the same for the same text on every machine and in every version. */
export function hashHex(text: string): string {
  return SEEDS.map((seed, lane) => laneHex(text, seed, PRIMES[lane] as number)).join('');
}

function laneHex(text: string, seed: number, prime: number): string {
  let hash = seed;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), prime);
    hash ^= hash >>> 15; // without it a lane's low bits would depend on the text's low bits alone
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, '0');
}
