/**
 * `make bench [CASES=…]`: what does the proxy cost, today, on this machine?
 *
 * CASES is `micro`, `load` (all of json, sse, paced, latency, memory), one of those, or a part of a
 * micro case's name; several with commas; default: everything. ROUNDS, SECONDS and EVENTS set the
 * extent of the load benches. Prints Markdown; the rounds go to bench/results/ as JSON. Exit 1 when
 * an answer was wrong or a promise was not kept.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { PARTS, type Part, runLoad, TRANSPORTS } from './load/run.ts';
import type { Section } from './load/section.ts';
import { microTable, runMicro } from './micro-run.ts';
import { numberFrom } from './settings.ts';

const extent = { warmUps: 1, rounds: numberFrom('ROUNDS', 5), seconds: numberFrom('SECONDS', 0.8) };
const events = numberFrom('EVENTS', 1_000);
const wanted = (process.env.CASES ?? 'micro,load').split(',').map((word) => word.trim());

const isPart = (word: string): word is Part => PARTS.some((part) => part === word);
const parts = wanted.includes('load') ? PARTS : wanted.filter(isPart);
const microNames = wanted
  .filter((word) => word !== 'load' && !isPart(word))
  .map((word) => (word === 'micro' ? '' : word));

const say = (text: string) => process.stdout.write(`${text}\n`);
const told = (line: string) => process.stderr.write(`… ${line}\n`);
const machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  processors: cpus().length,
  platform: `${process.platform} ${process.arch}`,
  date: new Date().toISOString(),
};

function conclude(sections: readonly Section[]): boolean {
  for (const { title, text } of sections) say(`\n### ${title}\n\n${text}`);
  const verdicts = sections.flatMap((section) => section.verdicts);
  for (const { what, pass } of verdicts) say(`${pass ? 'PASS' : 'FAIL'}  ${what}`);
  const faults = sections.reduce((sum, section) => sum + section.faults, 0);
  if (faults > 0) say(`FAIL  ${faults} requests were not answered well`);
  return faults === 0 && verdicts.every(({ pass }) => pass);
}

function save(results: unknown): void {
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${machine.date.replaceAll(':', '-')}.json`, folder);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

say(`Node ${machine.node}, ${machine.processors} x ${machine.processor}, ${machine.date}`);
const micro = [];
for (const name of new Set(microNames)) micro.push(...(await runMicro(name, told)));
if (micro.length > 0) say(`\n### Micro\n\n${microTable(micro)}`);
const load =
  parts.length === 0 ? [] : await runLoad({ parts, transports: TRANSPORTS, extent, events, told });
const good = conclude(load);
save({ machine, extent, events, micro, load });
if (micro.length + load.length === 0) say(`nothing is called ${wanted.join(', ')}`);
process.exitCode = good && micro.length + load.length > 0 ? 0 : 1;
