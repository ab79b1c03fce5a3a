/**
 * Did the client get its work done, and did nobody notice more than they may? Reads what the client
 * wrote, what the providers saw and what the proxy logged; names everything that is wrong.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import type { ClientRun } from './client.ts';
import type { Ending } from './processes.ts';
import { jsonLines, type Rig, refusedByProvider } from './rig.ts';
import type { Marks } from './task.ts';
import { CONTENT, FILE, RAN } from './task.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What one run left behind. */
export interface Evidence {
  readonly repo: string;
  readonly marks: Marks;
  readonly run: ClientRun;
  readonly rig: Rig;
  readonly stopped: Ending;
}

/** The client's own account of a run. */
interface Transcript {
  readonly events: readonly Fields[];
  readonly result: Fields;
  /** Blocks of the assistant's messages, with the id of the message they came in. */
  readonly blocks: readonly { readonly message: unknown; readonly block: Fields }[];
  readonly toolResults: readonly Fields[];
}

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

function readTranscript(output: string): Transcript {
  const events = jsonLines(output);
  const contentOf = (event: Fields) => list(fields(event.message).content).map(fields);
  return {
    events,
    result: events.findLast(({ type }) => type === 'result') ?? {},
    blocks: events
      .filter(({ type }) => type === 'assistant')
      .flatMap((event) =>
        contentOf(event).map((block) => ({ message: fields(event.message).id, block })),
      ),
    toolResults: events
      .filter(({ type }) => type === 'user')
      .flatMap(contentOf)
      .filter(({ type }) => type === 'tool_result'),
  };
}

/** Everything that is wrong, in words; nothing when all is well. */
export function faultsOf(one: Case, evidence: Evidence): string[] {
  const transcript = readTranscript(evidence.run.output);
  const client = one.outcome === 'done' ? doneFaults : tooLongFaults;
  return [
    ...client(one, evidence, transcript),
    ...providerFaults(one, evidence),
    ...proxyFaults(evidence),
  ];
}

function doneFaults(one: Case, evidence: Evidence, transcript: Transcript): string[] {
  const { run, marks } = evidence;
  const { result } = transcript;
  const faults: string[] = [];
  const check = (ok: boolean, fault: string) => ok || faults.push(fault);
  if (run.ending.late) faults.push('the client did not end in its time');
  else check(run.ending.code === 0, `the client left with ${run.ending.code}: ${run.complaints}`);
  check(
    result.subtype === 'success' && result.is_error === false,
    `no success: ${result.subtype}, ${result.api_error_status}, ${excerpt(result.result)}`,
  );
  for (const wanted of one.events) {
    check(
      transcript.events.some(({ subtype }) => subtype === wanted),
      `the client did not say ${wanted}`,
    );
  }
  return [
    ...faults,
    ...fileFaults(evidence.repo),
    ...usageFaults(fields(result.usage)),
    ...toolFaults(one, transcript),
    ...lastWordFaults(one, marks, transcript),
    ...turnFaults(one, evidence, transcript),
  ];
}

function fileFaults(repo: string): string[] {
  const read = (name: string) =>
    existsSync(join(repo, name)) ? readFileSync(join(repo, name), 'utf8') : undefined;
  const faults: string[] = [];
  const written = read(FILE);
  if (written === undefined) faults.push('the file was not created');
  else if (written !== CONTENT) faults.push(`the file is different: ${excerpt(written)}`);
  const ran = read(RAN)?.trim().split('\n').length ?? 0;
  if (ran !== 1) faults.push(`the command ran ${ran} times`);
  return faults;
}

function usageFaults(usage: Fields): string[] {
  const input = count(usage.input_tokens) + count(usage.cache_read_input_tokens);
  const output = count(usage.output_tokens);
  return input > 0 && output > 0 ? [] : [`usage: ${input} tokens in, ${output} out`];
}

function toolFaults(one: Case, { blocks, toolResults }: Transcript): string[] {
  const faults: string[] = [];
  const uses = blocks.filter(({ block }) => block.type === 'tool_use');
  const used = (name: string) => uses.filter(({ block }) => block.name === name);
  for (const name of ['Write', 'Bash', 'Read']) {
    const times = used(name).length;
    if (times > 1 && one.waived.includes('one call a tool')) continue;
    if (times !== 1) faults.push(`${name} was used ${times} times`);
  }
  const [bash, read] = [used('Bash')[0], used('Read')[0]];
  const parallel = bash?.message !== undefined && bash.message === read?.message;
  if (!parallel && !one.waived.includes('parallel calls')) {
    faults.push('the parallel calls came in different messages');
  }
  const unread = uses.filter(({ block }) => '__unparsedToolInput' in fields(block.input));
  if (unread.length > 0) faults.push(`arguments are no JSON: ${excerpt(unread[0]?.block)}`);
  const failed = toolResults.filter((result) => result.is_error === true);
  if (failed.length > 0) faults.push(`a tool failed: ${excerpt(failed[0])}`);
  if (toolResults.length < 3) faults.push(`${toolResults.length} tool results`);
  return faults;
}

function lastWordFaults(one: Case, marks: Marks, { blocks, result }: Transcript): string[] {
  if (one.waived.includes('last word')) return [];
  const faults: string[] = [];
  const told = String(result.result);
  if (!told.includes(marks.final)) faults.push(`the final text did not arrive: ${excerpt(told)}`);
  const thought = blocks.filter(({ block }) => block.type === 'thinking');
  if (!thought.some(({ block }) => String(block.thinking).includes(marks.thought))) {
    faults.push(`the reasoning did not arrive as thinking (${thought.length} blocks)`);
  }
  return faults;
}

/** Write; the rest at once; the report: three requests, each served at the client's first try. */
function turnFaults(one: Case, { rig }: Evidence, { events }: Transcript): string[] {
  if (one.waived.includes('one request a turn')) return [];
  const retries = events.filter(({ subtype }) => subtype === 'api_retry');
  const asked = rig.log().filter(({ msg, provider }) => msg === 'request' && provider === 'main');
  const beside = rig.main.log().filter(({ body }) => fields(body).tools === undefined);
  const turns = asked.length - beside.length;
  const faults: string[] = [];
  if (retries.length > 0) faults.push(`the client had to retry: ${excerpt(retries[0])}`);
  if (turns !== 3) faults.push(`the client asked ${turns} times, not 3`);
  return faults;
}

function tooLongFaults(_: Case, { run }: Evidence, { result }: Transcript): string[] {
  if (run.ending.late) return ['the client did not end in its time'];
  if (/prompt is too long/i.test(String(result.result))) return [];
  return [`the client does not say that the prompt is too long: ${excerpt(result.result)}`];
}

/** The simulators are strict: what they refuse, a real provider would refuse. */
function providerFaults(one: Case, { rig, marks }: Evidence): string[] {
  const { main, side } = rig;
  const refused = [main, side].flatMap((each) => refusedByProvider(each, one.dialect));
  const faults = refused.map((reason) => `the provider refused request ${reason}`);
  if (one.outcome === 'done' && main.stats().faultsLeft > 0) {
    faults.push(`${main.stats().faultsLeft} faults did not strike`);
  }
  const seen = JSON.stringify(main.log().map(({ body }) => body));
  for (const [what, mark] of Object.entries(marks.instructions)) {
    if (!seen.includes(mark)) faults.push(`the provider was not told ${what}`);
  }
  return faults;
}

function proxyFaults({ rig, stopped }: Evidence): string[] {
  const bad = new Set(['uncaught exception', 'unhandled rejection', 'settle failed']);
  const faults = rig
    .log()
    .filter(({ msg }) => bad.has(String(msg)))
    .map((line) => `the proxy: ${excerpt(line)}`);
  if (stopped.code !== 0) faults.push(`the proxy left with ${stopped.code} on SIGTERM`);
  return faults;
}

const EXCERPT_CHARS = 300;

function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.slice(0, EXCERPT_CHARS);
}
