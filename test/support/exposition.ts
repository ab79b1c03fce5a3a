/**
 * A strict reader of Prometheus' text exposition 0.0.4: anything it does not expect is an error, so
 * that what it reads, Prometheus reads.
 */

export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

const HELP = /^# HELP ([a-zA-Z_:][\w:]*) (.*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?\d+)?)$/;
const LABEL = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;

/** Reads an exposition into its families by name. Throws on anything out of place. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const lines = text.slice(0, -1).split('\n');
  let family: Family | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (!line.startsWith('#')) {
      readSample(line, family);
      continue;
    }
    family = readHead(line, lines[++at] ?? '');
    if (families.has(family.name)) throw new Error(`${family.name} comes twice`);
    families.set(family.name, family);
  }
  for (const each of families.values()) checkFamily(each);
  return families;
}

function readHead(helpLine: string, typeLine: string): Family {
  const [, name = '', help = ''] = HELP.exec(helpLine) ?? [];
  const [, typedName, type = ''] = TYPE.exec(typeLine) ?? [];
  if (name === '' || name !== typedName) throw new Error(`bad head: ${helpLine} / ${typeLine}`);
  return { name, help: unescaped(help), type, samples: [] };
}

function readSample(line: string, family: Family | undefined): void {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`bad sample: ${line}`);
  if (family === undefined || !belongs(name, family)) throw new Error(`out of family: ${line}`);
  family.samples.push({ name, labels: readLabels(labels, line), value: readValue(value) });
}

function belongs(name: string, family: Family): boolean {
  if (family.type !== 'histogram') return name === family.name;
  return ['_bucket', '_sum', '_count'].some((suffix) => name === family.name + suffix);
}

function readLabels(text: string, line: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (let rest = text; rest !== ''; ) {
    const [all, name = '', value = ''] = LABEL.exec(rest) ?? [];
    if (all === undefined || labels.has(name)) throw new Error(`bad labels: ${line}`);
    labels.set(name, unescaped(value));
    rest = rest.slice(all.length);
  }
  return labels;
}

function readValue(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

/** No combination of labels twice; buckets cumulative, ending in `+Inf`, which is the count. */
function checkFamily(family: Family): void {
  const seen = new Set<string>();
  for (const { name, labels } of family.samples) {
    const identity = JSON.stringify([name, [...labels].sort()]);
    if (seen.has(identity)) throw new Error(`twice: ${identity}`);
    seen.add(identity);
  }
  if (family.type === 'histogram') checkBuckets(family);
}

function checkBuckets(family: Family): void {
  let cumulative = 0;
  let bound = Number.NEGATIVE_INFINITY;
  for (const { name, labels, value } of family.samples) {
    if (name.endsWith('_bucket')) {
      const nextBound = readValue(labels.get('le') ?? 'NaN');
      if (!(nextBound > bound)) throw new Error(`${name}: bounds do not ascend`);
      if (value < cumulative) throw new Error(`${name}: not cumulative`);
      [cumulative, bound] = [value, nextBound];
    } else if (name.endsWith('_count')) {
      if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${name}: no +Inf bucket`);
      if (value !== cumulative) throw new Error(`${name} is not the +Inf bucket`);
      [cumulative, bound] = [0, Number.NEGATIVE_INFINITY];
    }
  }
}
