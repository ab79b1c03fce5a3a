/** Durations and sizes as people write them. */

const MS_PER: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES_PER: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1_000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 1_024,
  mib: 1_048_576,
  gib: 1_073_741_824,
};

const QUANTITY = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;

function parseQuantity(
  given: string | number,
  units: Readonly<Record<string, number>>,
  bareUnit: string,
): number | undefined {
  const [, digits, unit] = QUANTITY.exec(String(given).trim()) ?? [];
  const name = unit?.toLowerCase() || bareUnit;
  if (digits === undefined || !Object.hasOwn(units, name)) return undefined;
  return Math.round(Number(digits) * units[name]!);
}

/** `500ms`, `30s`, `10m`, `1h`, `1d` or a number of seconds -> ms; undefined: no duration. */
export function parseDurationMs(given: string | number): number | undefined {
  return parseQuantity(given, MS_PER, 's');
}

/** `32MiB`, `1MB`, `512KiB` or a number of bytes -> bytes; undefined: no size. */
export function parseSizeBytes(given: string | number): number | undefined {
  return parseQuantity(given, BYTES_PER, 'b');
}

/** Milliseconds in the largest unit that divides them: 30000 -> `30s`. */
export function formatDuration(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms > 0 && ms % MS_PER[name]! === 0) ?? 'ms';
  return `${ms / MS_PER[unit]!}${unit}`;
}
