/**
 * Counters, gauges and histograms, and how they are written for Prometheus (text exposition 0.0.4).
 *
 * A metric knows its label names from birth; a child is one combination of label values, found
 * through nested maps and incremented without allocation. Must stay true: label values are
 * configured names, never a client's words; a metric never has more than MAX_METRIC_CHILDREN
 * children: what would come after them is booked on one child whose labels all are `other`.
 */
import { MAX_METRIC_CHILDREN } from '../limits.ts';

/** What goes into the `content-type` of an exposition. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const OTHER = 'other';

/** The values of label names, in their order: `Values<['provider', 'key']>` is two strings. */
export type Values<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

type Branch<Child> = Map<string, Branch<Child> | Child>;

/** What the kinds of metrics share: the name, the labels and the children. */
abstract class Metric<Names extends readonly string[], Child> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: Names;
  readonly #maxChildren: number;
  readonly #root: Branch<Child> = new Map();
  readonly #children: { readonly labels: string; readonly child: Child }[] = [];
  #overflow: Child | undefined;

  constructor(name: string, help: string, labelNames: Names, maxChildren: number) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#maxChildren = maxChildren;
  }

  abstract readonly type: 'counter' | 'gauge' | 'histogram';
  protected abstract makeChild(): Child;
  protected abstract renderChild(labels: string, child: Child): string;

  /** The child of these label values, made when it is new. Worth keeping by a caller that can. */
  labels(...values: Values<Names>): Child {
    let node: Branch<Child> | Child = this.#root;
    for (const value of values) {
      const next: Branch<Child> | Child | undefined = (node as Branch<Child>).get(value);
      if (next === undefined) return this.#add(values);
      node = next;
    }
    return values.length === 0 ? this.#only() : (node as Child);
  }

  /** HELP, TYPE and one or more lines for each child, in the order of their making. */
  render(): string {
    if (this.labelNames.length === 0) this.#only(); // shown from the start, as zero
    let text = `# HELP ${this.name} ${escapeHelp(this.help)}\n# TYPE ${this.name} ${this.type}\n`;
    for (const { labels, child } of this.#children) text += this.renderChild(labels, child);
    return text;
  }

  protected forgetChildren(): void {
    this.#root.clear();
    this.#children.length = 0;
    this.#overflow = undefined;
  }

  #only(): Child {
    return this.#children[0]?.child ?? this.#register([]);
  }

  #add(values: readonly string[]): Child {
    if (this.#children.length >= this.#maxChildren) return this.#overflowChild();
    let node = this.#root;
    for (const value of values.slice(0, -1)) {
      let next = node.get(value) as Branch<Child> | undefined;
      if (next === undefined) {
        next = new Map();
        node.set(value, next);
      }
      node = next;
    }
    const child = this.#register(values);
    node.set(values.at(-1) ?? '', child);
    return child;
  }

  #overflowChild(): Child {
    this.#overflow ??= this.#register(this.labelNames.map(() => OTHER));
    return this.#overflow;
  }

  #register(values: readonly string[]): Child {
    const pairs = this.labelNames.map((name, at) => `${name}="${escapeValue(values[at] ?? '')}"`);
    const child = this.makeChild();
    this.#children.push({ labels: pairs.join(','), child });
    return child;
  }
}

/** A number that only grows. */
export class CounterChild {
  value = 0;

  /** Adds `count`, 1 by default. What is not a positive number is not counted. */
  add(count = 1): void {
    if (count > 0) this.value += count;
  }
}

export class Counter<Names extends readonly string[]> extends Metric<Names, CounterChild> {
  readonly type = 'counter';
  #collect: (() => void) | undefined;

  /** `read` runs before each exposition, for counters that something else keeps. */
  collect(read: () => void): void {
    this.#collect = read;
  }

  override render(): string {
    this.#collect?.();
    return super.render();
  }

  protected makeChild(): CounterChild {
    return new CounterChild();
  }

  protected renderChild(labels: string, child: CounterChild): string {
    return sample(this.name, labels, child.value);
  }
}

/** A number that goes up and down. */
export class GaugeChild {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  add(count = 1): void {
    this.value += count;
  }
}

export class Gauge<Names extends readonly string[]> extends Metric<Names, GaugeChild> {
  readonly type = 'gauge';
  #collect: (() => void) | undefined;

  /** `read` runs before each exposition and sets every child anew: those that it does not set are
   *  gone, so a key that left the configuration leaves the metrics too. Replaces an earlier one. */
  collect(read: () => void): void {
    this.#collect = read;
  }

  override render(): string {
    if (this.#collect !== undefined) {
      this.forgetChildren();
      this.#collect();
    }
    return super.render();
  }

  protected makeChild(): GaugeChild {
    return new GaugeChild();
  }

  protected renderChild(labels: string, child: GaugeChild): string {
    return sample(this.name, labels, child.value);
  }
}

/** Observations sorted into buckets. */
export class HistogramChild {
  readonly bounds: readonly number[];
  /** Observations of each bucket alone, not cumulative; the last one is `+Inf`. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Books one value, in the unit of the metric's name. NaN is not booked: it would spoil the
   *  sum. */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

export class Histogram<Names extends readonly string[]> extends Metric<Names, HistogramChild> {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];

  constructor(
    name: string,
    help: string,
    labelNames: Names,
    maxChildren: number,
    bounds: readonly number[],
  ) {
    super(name, help, labelNames, maxChildren);
    this.#bounds = bounds;
  }

  protected makeChild(): HistogramChild {
    return new HistogramChild(this.#bounds);
  }

  protected renderChild(labels: string, child: HistogramChild): string {
    const before = labels === '' ? '' : `${labels},`;
    let cumulative = 0;
    let text = '';
    child.counts.forEach((count, bucket) => {
      cumulative += count;
      const bound = formatValue(this.#bounds[bucket] ?? Number.POSITIVE_INFINITY);
      text += sample(`${this.name}_bucket`, `${before}le="${bound}"`, cumulative);
    });
    text += sample(`${this.name}_sum`, labels, child.sum);
    return text + sample(`${this.name}_count`, labels, cumulative);
  }
}

/** All metrics of a process, in the order of their registration. */
export class Registry {
  readonly #metrics = new Map<string, { render(): string }>();
  readonly #maxChildren: number;

  constructor(maxChildren = MAX_METRIC_CHILDREN) {
    this.#maxChildren = maxChildren;
  }

  counter<const Names extends readonly string[]>(name: string, help: string, labelNames: Names) {
    return this.#register(new Counter(name, help, labelNames, this.#maxChildren));
  }

  gauge<const Names extends readonly string[]>(name: string, help: string, labelNames: Names) {
    return this.#register(new Gauge(name, help, labelNames, this.#maxChildren));
  }

  /** `bounds` are the upper ends of the buckets, ascending, without `+Inf`. */
  histogram<const Names extends readonly string[]>(
    name: string,
    help: string,
    labelNames: Names,
    bounds: readonly number[],
  ) {
    return this.#register(new Histogram(name, help, labelNames, this.#maxChildren, bounds));
  }

  /** The whole exposition. */
  render(): string {
    let text = '';
    for (const metric of this.#metrics.values()) text += metric.render();
    return text;
  }

  #register<M extends { readonly name: string; render(): string }>(metric: M): M {
    if (this.#metrics.has(metric.name)) throw new Error(`metric ${metric.name} exists already`);
    this.#metrics.set(metric.name, metric);
    return metric;
  }
}

function sample(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${formatValue(value)}\n`;
}

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
