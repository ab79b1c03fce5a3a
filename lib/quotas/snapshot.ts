/**
 * What of a bucket outlives the program, and how does it come back?
 *
 * The counts of the windows, the rest and the ramp after it, what headers said, the learned
 * concurrency. Never what is in flight: whoever held that is gone. Must stay true: a bucket that is
 * restored lets through at most what the one it was taken from would let through now, whatever the
 * saved text holds: what has expired, or is no value of its field, is left out, field by field.
 */
import { MAX_COOLDOWN_MS, MAX_SNAPSHOT_AGE_MS, RAMP_END } from '../limits.ts';
import { type LearnedCell, QUOTAS, type QuotaName } from './rate-reading.ts';
import type { TableParts } from './table-parts.ts';
import { MAX_COUNT, type WindowEntry } from './window-ring.ts';
import { tickMsOf, WINDOWS, type WindowName } from './windows.ts';

/** JSON. Times are ms since 1970 by the clock of the caller; what is 0 or nothing is left out. */
export interface BucketSnapshot {
  readonly takenMs: number;
  /** Of each configured window: [how many seconds (hours) ago, count], newest first. */
  readonly windows?: Readonly<Partial<Record<WindowName, readonly WindowEntry[]>>>;
  /** End of the rest. One that has passed still owes its probe. */
  readonly restUntilMs?: number;
  /** Requests that the ramp after a rest lets in at a time. */
  readonly ramp?: number;
  readonly disabled?: true;
  readonly learned?: readonly LearnedReading[];
  /** A bucket near a learned limit starts nothing before this. */
  readonly pausedUntilMs?: number;
  readonly concurrency?: number;
}

/** `remaining` and the times are missing where only the limit is known. */
export interface LearnedReading {
  readonly quota: QuotaName;
  readonly limit: number;
  readonly remaining?: number;
  readonly resetMs?: number;
  readonly readMs?: number;
  /** The reset has passed once: it is full for one window, then forgotten. */
  readonly rolled?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a bucket holds, at the table's time of `nowMs`; undefined when it holds nothing. */
export function takeSnapshot(
  parts: TableParts,
  bucket: number,
  nowMs: number,
): BucketSnapshot | undefined {
  const { clock, windows, gates, concurrency, learned } = parts;
  const fields: Record<string, unknown> = {};
  const counts = windows.entries(bucket, clock);
  if (Object.keys(counts).length > 0) fields.windows = counts;
  if (gates.isResting(bucket)) fields.restUntilMs = nowMs + clock.msUntil(gates.end(bucket));
  const ramp = gates.ramp(bucket);
  if (ramp > 0) fields.ramp = ramp;
  if (gates.isDisabled(bucket)) fields.disabled = true;
  const cells = learned.cells(bucket, clock.ms);
  if (cells.length > 0) fields.learned = cells.map((cell) => readingOf(cell, nowMs));
  const pauseMs = learned.pauseMs(bucket, clock.ms);
  if (pauseMs > 0) fields.pausedUntilMs = nowMs + clock.onClock(pauseMs);
  const most = concurrency.learned(bucket);
  if (most > 0) fields.concurrency = most;
  return Object.keys(fields).length === 0 ? undefined : { takenMs: nowMs, ...fields };
}

/** Adds what was saved to what a bucket holds, at the table's time of `nowMs`: counts add up, of
 *  two rests the later end holds, of two concurrencies the smaller one. */
export function putSnapshot(
  parts: TableParts,
  bucket: number,
  nowMs: number,
  saved: unknown,
): void {
  const fields = asFields(saved);
  const { takenMs } = fields;
  if (!isTime(takenMs) || nowMs - takenMs > MAX_SNAPSHOT_AGE_MS) return;
  const { clock, gates, concurrency, learned } = parts;
  const counts = asFields(fields.windows);
  for (const window of WINDOWS) {
    const tickMs = tickMsOf(window);
    const passed = Math.floor(nowMs / tickMs) - Math.floor(takenMs / tickMs);
    const entries = readEntries(counts[window], Math.max(0, passed));
    parts.windows.add(bucket, clock, window, entries);
  }
  putGate(parts, bucket, nowMs, fields);
  if (fields.disabled === true) gates.disable(bucket);
  for (const item of asList(fields.learned)) {
    const cell = readCell(asFields(item), nowMs);
    if (cell !== undefined) learned.setCell(bucket, clock.ms, cell);
  }
  const pauseMs = isTime(fields.pausedUntilMs) ? fields.pausedUntilMs - nowMs : 0;
  if (pauseMs > 0) learned.pause(bucket, clock.ms, Math.min(pauseMs, MAX_COOLDOWN_MS));
  if (isCount(fields.concurrency)) concurrency.lowerTo(bucket, fields.concurrency);
}

function putGate({ clock, gates }: TableParts, bucket: number, nowMs: number, from: Fields): void {
  const { restUntilMs, ramp } = from;
  if (isTime(restUntilMs)) {
    const restMs = Math.ceil(Math.min(Math.max(0, restUntilMs - nowMs), MAX_COOLDOWN_MS));
    gates.cool(bucket, clock.ms, (clock.ms + restMs) | 0);
  } else if (isCount(ramp) && ramp < RAMP_END) {
    gates.resumeRamp(bucket, ramp);
  }
}

function readingOf(cell: LearnedCell, nowMs: number): LearnedReading {
  const { quota, limit, remaining, resetInMs, readAgoMs, rolled } = cell;
  if (remaining === undefined) return { quota, limit };
  const times = { resetMs: nowMs + resetInMs, readMs: nowMs - readAgoMs };
  return { quota, limit, remaining, ...times, ...(rolled ? { rolled } : {}) };
}

function readCell(reading: Fields, nowMs: number): LearnedCell | undefined {
  const quota = QUOTAS.find((name) => name === reading.quota);
  const { limit, remaining, resetMs, readMs } = reading;
  if (quota === undefined || !(limit === 0 || isCount(limit))) return undefined;
  const bare = { quota, limit, resetInMs: 0, readAgoMs: 0, rolled: false };
  if (!isTime(resetMs) || !isTime(readMs) || !isRemaining(remaining)) return bare;
  return {
    ...bare,
    remaining,
    resetInMs: Math.min(Math.ceil(resetMs - nowMs), MAX_COOLDOWN_MS),
    readAgoMs: Math.min(Math.max(0, Math.floor(nowMs - readMs)), MAX_SNAPSHOT_AGE_MS),
    rolled: reading.rolled === true,
  };
}

/** Below zero, or above the limit, where answers used more, or less, than was reserved. */
function isRemaining(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= MAX_COUNT;
}

/** Newest first, `passed` ticks older than they were. */
function readEntries(saved: unknown, passed: number): WindowEntry[] {
  return asList(saved)
    .map((entry) => asList(entry))
    .filter(([age, count]) => (age === 0 || isCount(age)) && isCount(count))
    .map(([age, count]) => [(age as number) + passed, count as number] as const)
    .sort(([a], [b]) => a - b);
}

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= MAX_COUNT;

/** A moment that a Date can hold. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && value <= 8.64e15;

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
