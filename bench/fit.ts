/**
 * How does a cost grow? The exponent of the power that fits a curve best: 0 for flat, 1 for linear.
 *
 * Least squares on the logarithms. Costs have a constant part that hides growth at the small end:
 * the last points are fitted once more by themselves, and the steeper of the two is judged.
 */
export type Growth = 'flat' | 'below linear' | 'linear' | 'worse';

export interface Fit {
  /** Over all points, and over the last three. */
  readonly exponent: number;
  readonly tailExponent: number;
  readonly growth: Growth;
}

const TAIL = 3;
/** What noise makes of a flat curve, and of a linear one. */
const FLAT_MOST = 0.15;
const LINEAR_LEAST = 0.85;
const LINEAR_MOST = 1.15;

/** A point with an x of 0 stands at half of the next one. */
export function fitGrowth(points: readonly (readonly [number, number])[]): Fit {
  const known = points.filter(([, y]) => y > 0 && Number.isFinite(y));
  const least = Math.min(...known.map(([x]) => x).filter((x) => x > 0));
  const logs = known.map(([x, y]) => [Math.log(x > 0 ? x : least / 2), Math.log(y)] as const);
  const exponent = slope(logs);
  const tailExponent = slope(logs.slice(-TAIL));
  return { exponent, tailExponent, growth: growthOf(Math.max(exponent, tailExponent)) };
}

function growthOf(exponent: number): Growth {
  if (exponent <= FLAT_MOST) return 'flat';
  if (exponent < LINEAR_LEAST) return 'below linear';
  return exponent <= LINEAR_MOST ? 'linear' : 'worse';
}

/** Of the straight line through the points; 0 for fewer than two. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, at]) => at))];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  const below = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return below === 0 || Number.isNaN(below) ? 0 : above / below;
}
