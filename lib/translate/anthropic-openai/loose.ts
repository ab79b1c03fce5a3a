/** How is a value read that a provider sent? Nothing about its shape is sure. */

export type Loose = Readonly<Record<string, unknown>>;

/** The value as an object, or undefined where it is anything else. */
export function asRecord(value: unknown): Loose | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Loose)
    : undefined;
}

/** The text of a content field: a string, or the joined text of its parts (`[{type, text}]`). */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  let text = '';
  for (const part of value) {
    const inner = typeof part === 'string' ? part : asRecord(part)?.text;
    if (typeof inner === 'string') text += inner;
  }
  return text;
}

/** A count as providers send it: a finite number of at least 0, else undefined. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < Number.MAX_SAFE_INTEGER
    ? Math.floor(value)
    : undefined;
}
