/**
 * What is the client asked to do? Write a file with awkward content, show and read it, and say a
 * word that only this run knows. The simulated model follows the script in the prompt.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import type { Task } from './client.ts';

export const FILE = 'hello.txt';
/** One line for each time that the command ran. */
export const RAN = 'ran.txt';
export const CONTENT =
  'hello\nquotes: "two" \'one\' `three`, a back\\slash, a\ttab, <b>&amp;</b> $HOME\n' +
  'ünïcödé ✓ 日本 🎉 \u{1F468}\u200D\u{1F469}\u200D\u{1F467}\nlast line\n';

/** Words to look for: none of them appears anywhere else. */
export interface Marks {
  readonly final: string;
  readonly thought: string;
  /** What the provider must be told, by where it stands. */
  readonly instructions: Readonly<Record<string, string>>;
}

/** Prepares the folder that the client works in, and its task. */
export function makeTask(
  repo: string,
  one: Case,
  word: string,
): { readonly task: Task; readonly marks: Marks } {
  const instructions = {
    'the system prompt': `MARK-SYSTEM-${word}`,
    'the project memory': `MARK-MEMORY-${word}`,
    'the agents': `MARK-AGENT-${word}`,
  };
  const marks = { final: `FINAL-${word}`, thought: `THOUGHT-${word}`, instructions };
  const agents = join(repo, '.claude/agents');
  mkdirSync(agents, { recursive: true });
  writeFileSync(join(repo, 'CLAUDE.md'), `${instructions['the project memory']}\n`);
  const agent = `name: prober\ndescription: ${instructions['the agents']}`;
  writeFileSync(join(agents, 'prober.md'), `---\n${agent}\n---\nUnused.\n`);
  const path = join(repo, FILE);
  const prompt = [
    'Create the file as described, then check it.',
    `demo: write ${path} ${escaped(CONTENT)}`,
    `demo: bash cat ${path} && echo once >> ${join(repo, RAN)}`,
    `demo: read ${path}`,
    ...one.script,
    `demo: think All is there: ${marks.thought}`,
    `demo: say ${marks.final}`,
  ].join('\n');
  const systemMark = instructions['the system prompt'];
  // A fault is meant for the work: nothing else may take it.
  return { marks, task: { prompt, repo, systemMark, quiet: one.faults !== '' } };
}

/** As the script of the simulator reads it back. */
const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
