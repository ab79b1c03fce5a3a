/** What does the gate measure? Micro cases by parts of their names, and scenarios of `make load`. */
import { SCENARIOS, type Scenario } from '../load/scenarios.ts';
import { findCases } from '../micro-files.ts';

export type GateCase =
  | { readonly kind: 'micro'; readonly name: string; readonly file: string }
  | { readonly kind: 'load'; readonly name: string; readonly scenario: Scenario };

/** The hot path, once each: what a request and an event cost. */
export const USUAL = [
  'select and reserve: least_used, 16 keys',
  'json splice: 100 KB, model at the end',
  'messages request: translate, 50 KB',
  'message stream: translate, an event a read',
  'chat passthrough: model renamed, an event a read',
  'json',
  'messages-sse',
];

/** Several with commas; names of cases have commas too, each with a space behind it. */
export const wordsOf = (text: string): string[] =>
  text.split(/,(?! )/).filter((word) => word.trim() !== '');

/** Throws a RangeError for a word that names nothing. */
export async function gateCases(words: readonly string[]): Promise<GateCase[]> {
  const found = await Promise.all((words.length === 0 ? USUAL : words).map(casesNamed));
  const unique = new Map(found.flat().map((each) => [`${each.kind} ${each.name}`, each]));
  return [...unique.values()];
}

async function casesNamed(word: string): Promise<GateCase[]> {
  const scenario = SCENARIOS.find(({ name }) => name === word);
  if (scenario !== undefined) return [{ kind: 'load', name: word, scenario }];
  const found = await findCases(word);
  const exact = found.filter(({ one }) => one.name === word);
  const cases = exact.length > 0 ? exact : found;
  if (cases.length === 0) throw new RangeError(`CASES: nothing is called ${word}`);
  return cases.map(({ file, one }) => ({ kind: 'micro', name: one.name, file }));
}
