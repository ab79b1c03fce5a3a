/** What does the environment ask of a bench? Numbers with defaults, bounded below by zero. */

/** Throws a RangeError where the variable is no number above zero. */
export function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) {
    throw new RangeError(`${name} must be a number above zero, not ${JSON.stringify(text)}`);
  }
  return value;
}
