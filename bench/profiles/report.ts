/** How is a profile told? Two tables: the functions that cost most, and the files. */
import { markdownTable } from '../table.ts';
import type { FunctionTime } from './cpu-profile.ts';
import type { Places } from './places.ts';

export interface ProfileRow {
  /** `lib/x.ts:12`, `node:net:120`, `native`. */
  readonly place: string;
  readonly name: string;
  readonly selfShare: number;
  readonly totalShare: number;
}

/** Functions with their places and their shares of the busy time, the most expensive first. */
export function profileRows(times: readonly FunctionTime[], places: Places): ProfileRow[] {
  const busyUs = times.reduce((sum, { selfUs }) => sum + selfUs, 0);
  return times.map(({ frame, selfUs, totalUs }) => ({
    place: places.of(frame),
    name: frame.functionName === '' ? '(anonymous)' : frame.functionName,
    selfShare: selfUs / busyUs,
    totalShare: totalUs / busyUs,
  }));
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

export function functionTable(rows: readonly ProfileRow[], top: number): string {
  const head = ['function', 'where', 'self', 'with callees'];
  const cells = rows
    .slice(0, top)
    .map((row) => [row.name, row.place, percent(row.selfShare), percent(row.totalShare)]);
  return markdownTable(head, cells);
}

/** Self time summed over the functions of a file. */
export function fileTable(rows: readonly ProfileRow[], top: number): string {
  const shares = new Map<string, number>();
  for (const { place, name, selfShare } of rows) {
    const isGc = name === '(garbage collector)';
    const file = isGc ? 'garbage collection' : place.replace(/:\d+$/, '');
    shares.set(file, (shares.get(file) ?? 0) + selfShare);
  }
  const sorted = [...shares].sort((a, b) => b[1] - a[1]).slice(0, top);
  return markdownTable(
    ['file', 'self'],
    sorted.map(([file, share]) => [file, percent(share)]),
  );
}
