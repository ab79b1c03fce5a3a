/** The keys of a provider: names, limits, organizations, and what happens without a secret. */

import type { Place } from './faults.ts';
import type { RawKeyEntry, RawProvider } from './schema.ts';
import { isSendable, readSecret } from './secret-files.ts';
import type { KeyConfig } from './types.ts';
import type { Reading } from './validate.ts';

/** A listed key before the empty ones are dropped. */
interface Listed {
  readonly key: KeyConfig;
  readonly at: Place;
  readonly limits: KeyLimits;
  /** Variables the secret came from. */
  readonly names: readonly string[];
  /** An empty secret has been told as a fault already. */
  readonly isFaulty: boolean;
}

const LIMIT_NAMES = [
  'max_requests_per_minute',
  'max_tokens_per_minute',
  'max_uncached_tokens_per_minute',
  'max_requests_per_day',
  'max_tokens_per_day',
  'max_concurrent',
] as const;

type KeyLimits = Readonly<Record<(typeof LIMIT_NAMES)[number], number>>;

const NO_LIMITS: KeyLimits = {
  max_requests_per_minute: 0,
  max_tokens_per_minute: 0,
  max_uncached_tokens_per_minute: 0,
  max_requests_per_day: 0,
  max_tokens_per_day: 0,
  max_concurrent: 0,
};

/**
 * The keys of `raw`. An entry without a secret is left out with a warning; none left: empty, the
 * provider is disabled (a warning too). A provider that lists none at all gets one anonymous key,
 * unless `needsKey`.
 */
export function resolveKeys(raw: RawProvider, needsKey: boolean, x: Reading): KeyConfig[] {
  const balancing = raw.load_balancing;
  const hasList = x.places.given(balancing, 'api_keys');
  const given = ['api_key', 'api_key_file'].filter((name) => x.places.given(raw, name));
  const hasOne = given.length > 0;
  if ((hasList && hasOne) || given.length > 1) {
    const at = x.places.of(raw, given.at(-1));
    x.faults.error(at, 'give one of api_key, api_key_file and load_balancing.api_keys');
  }
  const listed = hasList ? listMany(raw, x) : hasOne ? listOne(raw, x) : [];
  const isEmptyList = hasList && balancing.api_keys?.length === 0 && !x.faults.failed;
  if (!hasOne && (!hasList || isEmptyList)) return withoutKeys(raw, needsKey, x);
  checkNames(listed, x);
  checkOrgs(listed, x);
  const keys = listed.filter((one) => hasSecret(one, x));
  checkRepeats(keys, x);
  if (keys.length === 0) {
    x.faults.warn(x.places.of(raw), 'no key is left: this provider is disabled');
  }
  return keys.map(({ key }) => key);
}

function withoutKeys(raw: RawProvider, needsKey: boolean, x: Reading): KeyConfig[] {
  if (!needsKey) return [toKey(raw, { name: 'key-1', org: undefined, weight: 1 }, '', NO_LIMITS)];
  x.faults.error(x.places.of(raw), 'no api_key: this provider needs one');
  return [];
}

function listOne(raw: RawProvider, x: Reading): Listed[] {
  if (raw.api_key !== undefined) {
    return [listEntry(raw, raw.api_key, 0, x.places.of(raw, 'api_key'), x)];
  }
  if (raw.api_key_file === undefined) return [];
  const at = x.places.of(raw, 'api_key_file');
  const secret = { text: readSecret(raw.api_key_file, at, x), names: [] };
  return [{ ...listEntry(raw, secret, 0, at, x), isFaulty: secret.text === '' }];
}

function listMany(raw: RawProvider, x: Reading): Listed[] {
  const entries = raw.load_balancing.api_keys ?? [];
  return entries.map((entry, index) => {
    const at = x.places.of(entries, index);
    if (!('text' in entry)) checkEntry(entry, x);
    return listEntry(raw, entry, index, at, x);
  });
}

type LongEntry = Exclude<RawKeyEntry, { readonly text: string }>;

const NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;

function checkEntry(entry: LongEntry, x: Reading): void {
  const [hasKey, hasFile] = [x.places.given(entry, 'key'), x.places.given(entry, 'key_file')];
  if (!hasKey && !hasFile) x.faults.error(x.places.of(entry), 'has no key');
  if (hasKey && hasFile) {
    x.faults.error(x.places.of(entry, 'key_file'), 'give either key or key_file');
  }
  for (const field of ['name', 'org'] as const) {
    if (entry[field] === undefined || NAME.test(entry[field])) continue;
    x.faults.error(x.places.of(entry, field), 'wants 1 to 64 visible ASCII characters');
  }
}

function listEntry(
  raw: RawProvider,
  entry: RawKeyEntry,
  index: number,
  at: Place,
  x: Reading,
): Listed {
  const isShort = 'text' in entry;
  const secret = isShort ? entry : secretOf(entry, x);
  const limits = isShort ? NO_LIMITS : entry;
  const name = (isShort ? undefined : entry.name) ?? `key-${index + 1}`;
  const org = isShort ? undefined : entry.org;
  const shape = { name, org, weight: isShort ? 1 : entry.weight };
  const key = toKey(raw, shape, secret?.text ?? '', limits);
  const isFaulty = !isShort && entry.key_file !== undefined && key.secret === '';
  return { key, at, limits, names: secret?.names ?? [], isFaulty };
}

function secretOf(entry: LongEntry, x: Reading): LongEntry['key'] {
  if (entry.key_file === undefined) return entry.key;
  return { text: readSecret(entry.key_file, x.places.of(entry, 'key_file'), x), names: [] };
}

function toKey(
  raw: RawProvider,
  shape: { readonly name: string; readonly org: string | undefined; readonly weight: number },
  secret: string,
  limits: KeyLimits,
): KeyConfig {
  return {
    ...shape,
    org: shape.org ?? `${raw.name ?? ''}/${shape.name}`,
    secret,
    maxRequestsPerMinute: limits.max_requests_per_minute,
    maxTokensPerMinute: limits.max_tokens_per_minute,
    maxUncachedTokensPerMinute: limits.max_uncached_tokens_per_minute,
    maxRequestsPerDay: limits.max_requests_per_day,
    maxTokensPerDay: limits.max_tokens_per_day,
    maxConcurrent: limits.max_concurrent,
  };
}

function hasSecret({ key, at, names, isFaulty }: Listed, x: Reading): boolean {
  if (!isSendable(key.secret)) {
    x.faults.error(at, 'the key holds characters that cannot stand in a header');
  }
  if (key.secret !== '') return true;
  if (isFaulty) return false;
  const why = names.length === 0 ? 'it is empty' : `${names.join(', ')} is not set or empty`;
  x.faults.warn(at, `key "${key.name}" is left out: ${why}`);
  return false;
}

function checkNames(listed: readonly Listed[], x: Reading): void {
  const seen = new Map<string, Place>();
  for (const { key, at } of listed) {
    const first = seen.get(key.name);
    if (first === undefined) seen.set(key.name, at);
    else x.faults.error(at, `the name "${key.name}" is taken by the key in line ${first.line}`);
  }
}

/** SURFACE §4.8: keys that share an org share one set of limits, so they cannot differ in it. */
function checkOrgs(listed: readonly Listed[], x: Reading): void {
  const firsts = new Map<string, Listed>();
  for (const one of listed) {
    const first = firsts.get(one.key.org);
    if (first === undefined) firsts.set(one.key.org, one);
    else checkAgreement(one, first, x);
  }
}

function checkAgreement(one: Listed, first: Listed, x: Reading): void {
  for (const name of LIMIT_NAMES) {
    const [mine, theirs] = [one.limits[name], first.limits[name]];
    if (mine === theirs) continue;
    x.faults.error(
      one.at,
      `${name} is ${mine} here and ${theirs} for key "${first.key.name}": keys of one org` +
        ` ("${one.key.org}") share their limits and must agree`,
    );
  }
}

function checkRepeats(keys: readonly Listed[], x: Reading): void {
  const seen = new Map<string, string>();
  for (const { key, at } of keys) {
    const first = seen.get(key.secret);
    if (first === undefined) seen.set(key.secret, key.name);
    else x.faults.warn(at, `key "${key.name}" has the same secret as key "${first}"`);
  }
}
