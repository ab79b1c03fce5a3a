/**
 * Golden cases: Markdown files that hold one case per `## title`, a sentence on why it exists, and
 * fences named by their info string (```in, ```out, ```options). A fence's text has no last
 * newline.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface GoldenCase {
  readonly file: string;
  readonly title: string;
  readonly why: string;
  readonly fences: ReadonlyMap<string, string>;
}

/** Reads every `*.md` of `test/golden/<folder>`, in name order. Throws where a case has no
 *  fence. */
export function goldenCases(folder: string): GoldenCase[] {
  const directory = new URL(`../golden/${folder}/`, import.meta.url);
  const files = readdirSync(directory).filter((name) => name.endsWith('.md'));
  return files
    .sort()
    .flatMap((file) => parse(file, readFileSync(new URL(file, directory), 'utf8')));
}

function parse(file: string, markdown: string): GoldenCase[] {
  const cases: GoldenCase[] = [];
  for (const part of markdown.split(/^## /m).slice(1)) {
    const title = part.slice(0, part.indexOf('\n')).trim();
    const fences = new Map<string, string>();
    for (const [, name = '', text = ''] of part.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
      if (fences.has(name)) throw new Error(`${file}: "${title}" has two fences named ${name}`);
      fences.set(name, text.replace(/\n$/, ''));
    }
    if (fences.size === 0) throw new Error(`${file}: "${title}" has no fence`);
    const why = part.slice(title.length, part.indexOf('```')).trim();
    cases.push({ file, title, why, fences });
  }
  return cases;
}

/** Cuts `bytes` into pieces of `size`. */
export function pieces(bytes: Buffer, size: number): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) cut.push(bytes.subarray(at, at + size));
  return cut;
}
