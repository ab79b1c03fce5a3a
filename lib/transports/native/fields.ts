/**
 * What is a header's value, and how do two of one name become one? Shared by all who read heads.
 *
 * RFC 9110 §5.3 and §5.5. Must stay true: a value holds no control characters but the tab.
 */

/** Lower-case names. */
export type Fields = Record<string, string>;

export const UNPRINTABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** Joins values of one name with ", ", as node:http does; those of `cookie`, which has no business
 *  in an answer, with "; " (RFC 6265 §5.4). */
export function addField(fields: Fields, name: string, value: string): void {
  const before = fields[name];
  // `constructor` and the like are found in every object, but are not its own.
  const repeated = before !== undefined && Object.hasOwn(fields, name);
  const between = name === 'cookie' ? '; ' : ', ';
  fields[name] = repeated ? before + between + value : value;
}

/** `text[from, to)` without the blanks around it. */
export function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
