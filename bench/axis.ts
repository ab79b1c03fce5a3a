/** Where on an axis does a value stand, and which values get a label? Linear from 0, or by decades. */

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Axis {
  readonly ticks: readonly Tick[];
  /** The place of a value, in the units of the drawing. */
  place(value: number): number;
}

const STEPS = [1, 2, 5, 10];
const LINEAR_TICKS = 5;
/** Fewer decades get labels at 2 and 5 as well. */
const FEW_DECADES = 2;

/** `from` and `to`: the places of its two ends. An axis without values goes from 0 to 1. */
export function axisOf(values: readonly number[], log: boolean, from: number, to: number): Axis {
  const known = values.filter(Number.isFinite);
  return log ? logarithmic(known, from, to) : linear(known, from, to);
}

function linear(values: readonly number[], from: number, to: number): Axis {
  const most = Math.max(0, ...values) || 1;
  const rough = most / LINEAR_TICKS;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = decade * (STEPS.find((each) => each * decade >= rough * 0.999) ?? 10);
  const top = Math.ceil(most / step - 1e-9) * step;
  const place = (value: number) => rounded(from + ((to - from) * Math.max(0, value)) / top);
  const count = Math.round(top / step);
  const ticks = Array.from({ length: count + 1 }, (_, at) => at * step);
  return { place, ticks: ticks.map((value) => ({ at: place(value), label: short(value) })) };
}

function logarithmic(values: readonly number[], from: number, to: number): Axis {
  const positive = values.filter((value) => value > 0);
  const least = positive.length === 0 ? 0.1 : Math.min(...positive);
  const most = positive.length === 0 ? 1 : Math.max(...positive);
  const marks = marksBetween(least, most);
  const [low, high] = [Math.min(least, ...marks), Math.max(most, ...marks)];
  const width = Math.log(high / low) || 1;
  const place = (value: number) =>
    rounded(from + ((to - from) * Math.log(Math.max(value, low) / low)) / width);
  return { place, ticks: marks.map((value) => ({ at: place(value), label: short(value) })) };
}

function marksBetween(least: number, most: number): number[] {
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const within = last - first <= FEW_DECADES ? [1, 2, 5] : [1];
  const marks = Array.from({ length: last - first + 1 }, (_, at) =>
    within.map((digit) => digit * 10 ** (first + at)),
  ).flat();
  const inside = marks.filter((mark) => mark >= least * 0.999 && mark <= most * 1.001);
  return inside.length >= 2 ? inside : marks.filter((mark) => mark <= 10 ** last);
}

/** Half a unit is more than an eye sees. */
const rounded = (place: number) => Math.round(place * 10) / 10;

/** 1500 -> 1.5k. */
export function short(value: number): string {
  for (const [size, letter] of [
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size) return `${Number((value / size).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}
