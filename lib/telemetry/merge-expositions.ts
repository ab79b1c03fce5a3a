/**
 * Several expositions -> one, for a program whose threads count each for themselves.
 *
 * Counters and histograms are added up. Gauges are read by every thread from what all share, so one
 * of them speaks for all, but for the few that are a thread's own. What belongs to the process is
 * there once. Must stay true: the samples of one metric stay together, under its one head.
 */

/** Gauges that are a thread's own. */
const OWN_GAUGES: Readonly<Record<string, 'sum' | 'max'>> = {
  cooldown_queue_depth: 'sum',
  nodejs_heap_size_used_bytes: 'sum',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
};

/** A counter that every thread reads for the whole process. */
const OF_THE_PROCESS = 'process_cpu_seconds_total';

interface Family {
  /** The lines of HELP and TYPE. */
  head: string;
  type: string;
  /** By name and labels, in the order of their coming. */
  readonly samples: Map<string, number>;
}

/** The first text wins where one speaks for all. `last`: of these (threads that are gone) only what
 *  adds up is counted, so that no counter ever goes back. */
export function mergeExpositions(texts: readonly string[], last: readonly string[] = []): string {
  const families = new Map<string, Family>();
  for (const text of texts) takeIn(families, text, true);
  for (const text of last) takeIn(families, text, false);
  let merged = '';
  for (const { head, samples } of families.values()) {
    merged += head;
    for (const [sample, value] of samples) merged += `${sample} ${format(value)}\n`;
  }
  return merged;
}

function takeIn(families: Map<string, Family>, text: string, isAlive: boolean): void {
  let family: Family = { head: '', type: '', samples: new Map() };
  let name = '';
  let isNew = false;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      name = line.split(' ', 3)[2] ?? '';
      isNew = !families.has(name);
      family = families.get(name) ?? { head: '', type: '', samples: new Map() };
      families.set(name, family);
    } else if (line.startsWith('# TYPE ')) family.type = line.split(' ', 4)[3] ?? '';
    if (line.startsWith('#')) {
      if (isNew) family.head += `${line}\n`;
      continue;
    }
    const cut = line.lastIndexOf(' ');
    add(family, name, line.slice(0, cut), parse(line.slice(cut + 1)), isAlive);
  }
}

function add(family: Family, name: string, sample: string, value: number, isAlive: boolean): void {
  const { samples, type } = family;
  const known = samples.get(sample);
  const adds = type !== 'gauge' && name !== OF_THE_PROCESS;
  if (!isAlive && !adds) return;
  const how = adds ? 'sum' : OWN_GAUGES[name];
  if (known === undefined) samples.set(sample, value);
  else if (how === 'sum') samples.set(sample, known + value);
  else if (how === 'max') samples.set(sample, Math.max(known, value));
}

function parse(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

function format(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
