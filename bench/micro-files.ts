/** Which micro cases are there? Every file of bench/micro, in the order of their names. */
import { readdirSync } from 'node:fs';
import type { Case, CaseFile } from './case.ts';

const FOLDER = new URL('./micro/', import.meta.url);

export const microFiles = (): string[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.ts'))
    .sort();

export async function casesOf(file: string): Promise<readonly Case[]> {
  const { cases } = (await import(new URL(file, FOLDER).href)) as CaseFile;
  return cases;
}

/** The cases whose name holds `part`, over all files. */
export async function findCases(part: string): Promise<{ file: string; one: Case }[]> {
  const found: { file: string; one: Case }[] = [];
  for (const file of microFiles()) {
    for (const one of await casesOf(file)) if (one.name.includes(part)) found.push({ file, one });
  }
  return found;
}
