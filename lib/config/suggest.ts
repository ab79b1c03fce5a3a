/** Which of the allowed words was meant: "did you mean". */

/** The closest candidate, or undefined when none is close enough to be worth a guess. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const given = plain(word);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = closeness(given, plain(candidate));
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return bestDistance <= allowance(given) ? best : undefined;
}

/** ` did you mean "x"?` in the form that is appended to a message, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const found = closest(word, candidates);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}

/** Case, dashes and underscores are what people get wrong most: they do not count. */
const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_ ]/g, '');

const allowance = (word: string): number => Math.max(1, Math.floor(word.length / 3));

const MIN_PREFIX_CHARS = 3;

function closeness(given: string, candidate: string): number {
  const [short, long] = given.length < candidate.length ? [given, candidate] : [candidate, given];
  if (short.length >= MIN_PREFIX_CHARS && long.startsWith(short)) return short === long ? 0 : 0.5;
  return editDistance(given, candidate);
}

/** The fewest edits from one word to the other; swapping two neighbours is one edit. */
export function editDistance(a: string, b: string): number {
  let last: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? last[j - 2]! + 1 : replaced;
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    [last, row] = [row, next];
  }
  return row[b.length]!;
}
