/** Rows of a configuration file. */
import {
  CALLER,
  coded,
  FAULT,
  flat,
  midnight,
  NO_KEY,
  nested,
  noRoom,
  off,
  type RefusalRow,
  row,
  spent,
} from './outcomes.ts';

/** A row of the file goes before those of the preset. */
export const CONFIGURED: readonly RefusalRow[] = [
  row(
    'cerebras',
    'own rule: the provider rests',
    429,
    {
      rules: '[{ code: queue_exceeded, scope: provider, action: cool, rest: 6s, reason: crowd }]',
      body: flat('queue_exceeded', 'x'),
    },
    {
      rests: 'provider',
      until: 6_000,
      reason: 'crowd',
      goesOn: 'provider',
      told: noRoom(/\(crowd\)/, 6),
    },
  ),
  row(
    'generic',
    'own rule: by text, disabled',
    500,
    {
      rules: `[{ status: [500, 502], text: 'licen[cs]e .*expired', scope: key, action: disable }]`,
      body: nested('Your Licence has EXPIRED'),
    },
    off('key', 'auth', NO_KEY),
  ),
  row(
    'generic',
    'own rule: a day in a zone',
    429,
    {
      rules:
        '[{ status: 429, scope: key-model, action: cool,' +
        ' quota: requests_day, text_zone: "+08:00" }]',
      body: '',
    },
    spent(midnight, /Approaching daily request limit/),
  ),
  row(
    'generic',
    'own rule: fewer at once',
    400,
    {
      rules: '[{ code: many, scope: key, action: lower-concurrency, rest: 3s }]',
      body: coded('many'),
    },
    {
      rests: 'key-model',
      until: 3_000,
      reason: 'concurrency',
      goesOn: 'key',
      told: noRoom(/\(concurrency\)/, 3),
    },
  ),
  row(
    'generic',
    'own rule: given up',
    503,
    { rules: '[{ status: 503, scope: request, action: give-up }]', body: 'no' },
    CALLER,
  ),
  row(
    'generic',
    'own rule: tried again',
    400,
    { rules: '[{ text: flaky, scope: request, action: retry }]', body: nested('flaky') },
    FAULT,
  ),
];
