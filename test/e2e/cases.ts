/**
 * Which providers does the client have to get along with? One row a case: how the provider speaks
 * and misbehaves, and what the client is then allowed to notice.
 */
import type { SimulatorDialect, SimulatorOptions } from '../../lib/simulator/types.ts';

/** Keys of the main provider, of two orgs: a limit of one leaves the other. */
export const KEYS = [
  { key: 'e2e-main-key-one', name: 'one', org: 'one' },
  { key: 'e2e-main-key-two', name: 'two', org: 'two' },
] as const;

/** Parts of the verdict that a case can do without: see judge.ts. */
export type Waived = 'one request a turn' | 'one call a tool' | 'parallel calls' | 'last word';

export interface Case {
  readonly name: string;
  readonly dialect: SimulatorDialect;
  /** Faults of the main provider, one a request (lib/simulator/faults.ts). */
  readonly faults: string;
  readonly behaviour: SimulatorOptions;
  /** What the proxy calls its providers with. */
  readonly transport: 'auto' | 'fetch';
  /** More directions for the simulated model. */
  readonly script: readonly string[];
  readonly waived: readonly Waived[];
  /** Events of the client, by subtype, that must have happened. */
  readonly events: readonly string[];
  /** `done`: the work gets done. `too long`: the client tells that the prompt is. */
  readonly outcome: 'done' | 'too long';
  /** Takes over a minute: only with LONG=1. */
  readonly long: boolean;
  /** Needs what only clients from 2.1 on can do. */
  readonly recent: boolean;
}

const row = (name: string, row: Partial<Case> = {}): Case => ({
  name,
  dialect: 'cerebras',
  faults: '',
  behaviour: {},
  transport: 'auto',
  script: [],
  waived: [],
  events: [],
  outcome: 'done',
  long: false,
  recent: false,
  ...row,
});

/** The speed of a real one. An error that arrives together with what came before it is swallowed by
 *  the SDK inside Claude Code 2.0: the stream just ends. */
const SPEED: SimulatorOptions = { tokensPerSecond: 100 };

const onEveryKey = (fault: string): string => KEYS.map(() => fault).join(',');

export const CASES: readonly Case[] = [
  row('cerebras'),
  row('zhipu', { dialect: 'zhipu' }),
  row('fetch', { transport: 'fetch' }),
  row('paced', { behaviour: { tokensPerSecond: 300, firstTokenMs: 200 } }),
  row('usage-asked', { behaviour: { usage: 'asked' } }),
  row('usage-never', { behaviour: { usage: 'never' } }),
  row('tool-search', {
    recent: true,
    script: ['demo: tool ToolSearch {"query":"select:WebFetch,NotebookEdit","max_results":5}'],
  }),
  // A refusal of one key, or of all of them for a short time, is no business of the client.
  row('429', { faults: onEveryKey('429:2') }),
  row('429-zhipu', { dialect: 'zhipu', faults: onEveryKey('429') }),
  row('429-tokens', { faults: '429tok:3' }),
  row('busy', { faults: 'busy,busy' }),
  row('busy-zhipu', { dialect: 'zhipu', faults: 'ok,busy' }),
  row('5xx', { faults: '500,503' }),
  row('html', { faults: 'html' }),
  row('cut', { faults: 'cut,ok,cut' }),
  row('void', { faults: 'void' }),
  row('error-chunk', { faults: 'ok,errorchunk' }),
  row('key-refused', { faults: '401' }),
  // Once the client has seen a part of the answer it is told, and asks again by itself.
  row('cutafter', {
    faults: 'ok,cutafter:5',
    behaviour: SPEED,
    waived: ['one request a turn'],
  }),
  row('midstream', {
    faults: 'ok,midstream:5',
    behaviour: SPEED,
    waived: ['one request a turn'],
  }),
  row('cut-in-call', {
    faults: 'ok,cutafter:10',
    behaviour: SPEED,
    // The older client tells a call that it then repeats; it runs the command once all the same.
    waived: ['one request a turn', 'one call a tool', 'parallel calls'],
  }),
  row('cutafter-fetch', {
    faults: 'ok,cutafter:5',
    transport: 'fetch',
    behaviour: SPEED,
    waived: ['one request a turn'],
  }),
  row('slow', { faults: 'slow:3000' }),
  // Longer than a stream is held back: the client waits on pings.
  row('slow-held', { faults: 'ok,slow:12000' }),
  row('cooldown', { faults: `ok,${onEveryKey('429:20')}` }),
  // The prompt is too long: nothing to be done in the first exchange, later the client compacts.
  row('overflow', {
    faults: '400ctx*20',
    outcome: 'too long',
    waived: ['one request a turn'],
  }),
  row('compact', {
    faults: 'ok,ok,400ctx,400ctx',
    waived: ['one request a turn', 'last word'],
    events: ['compact_boundary'],
    recent: true,
  }),
  row('slow-70', { faults: 'ok,slow:70000', long: true }),
  row('stall-70', { faults: 'ok,stall:70000', long: true }),
];
