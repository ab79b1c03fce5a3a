/**
 * Which misbehaviour comes next? A queue of faults, one taken by each request for a model.
 *
 * A spec is a comma list; `:N` is an argument, `*N` repeats. The order of an answer is: refusal or
 * none, headers, chunks, end; each fault names the place where it strikes. CHUNKS counts data
 * chunks, the role chunk of cerebras included.
 *
 *   instead of an answer   429[:RETRY_AFTER_S] 429tok[:S] busy 500 503 401 402 404model 400ctx
 *                          html (a 502 page)
 *   the connection         cut (before any byte)   cutafter[:CHUNKS]   idle[:CHUNKS] (silent on)
 *   the clock              slow:MS (before the headers)   stall:MS (after them)
 *   the body               json (truncated)   void (200, not one byte)   empty (well formed, says
 *                          nothing)   nofinish (ends without finish_reason and [DONE])
 *                          errorchunk (an error in the first chunk)   midstream[:CHUNKS] (an error
 *                          after some)   network_error[:CHUNKS] (zhipu's finish_reason)
 *   nothing                ok
 */
import { SIMULATOR_FAULTS } from './limits.ts';

/** Answered in place of the work; `afterS` as given in the spec. */
export type RefusalFault =
  | '429'
  | '429tok'
  | 'busy'
  | '500'
  | '503'
  | '401'
  | '402'
  | '404model'
  | '400ctx'
  | 'html';

export type Fault = { readonly spelled: string } & (
  | { readonly kind: 'ok' | 'cut' | 'json' | 'void' | 'empty' | 'nofinish' | 'errorchunk' }
  | { readonly kind: 'refusal'; readonly what: RefusalFault; readonly afterS: number | undefined }
  | { readonly kind: 'slow' | 'stall'; readonly delayMs: number }
  | {
      readonly kind: 'cutafter' | 'idle' | 'midstream' | 'network_error';
      readonly afterChunks: number;
    }
);

const REFUSALS: ReadonlySet<string> = new Set<RefusalFault>([
  '429',
  '429tok',
  'busy',
  '500',
  '503',
  '401',
  '402',
  '404model',
  '400ctx',
  'html',
]);

const DEFAULT_CHUNKS: ReadonlyMap<string, number> = new Map([
  ['cutafter', 3],
  ['idle', 3],
  ['midstream', 3],
  ['network_error', 0],
]);

const isRefusal = (name: string): name is RefusalFault => REFUSALS.has(name);

/** Reads a comma list. Throws a RangeError that names the spelling it does not know. */
export function parseFaults(spec: string): Fault[] {
  const faults: Fault[] = [];
  for (const part of spec.split(',')) {
    const spelled = part.trim();
    if (spelled === '') continue;
    const [, one = '', times] = /^(.*?)(?:\*(\d+))?$/.exec(spelled) ?? [];
    const fault = parseFault(one);
    const count = times === undefined ? 1 : Number(times);
    if (faults.length + count > SIMULATOR_FAULTS) throw new RangeError(`Too many faults: ${spec}`);
    for (let n = 0; n < count; n++) faults.push(fault);
  }
  return faults;
}

function parseFault(spelled: string): Fault {
  const [name = '', argument, ...rest] = spelled.split(':');
  const number = argument === undefined ? undefined : Number(argument);
  const odd = number !== undefined && (argument === '' || !(number >= 0));
  if (odd || rest.length > 0) throw new RangeError(`Unknown fault: ${spelled}`);
  if (isRefusal(name)) return { spelled, kind: 'refusal', what: name, afterS: number };
  const defaultChunks = DEFAULT_CHUNKS.get(name);
  switch (name) {
    case 'ok':
    case 'cut':
    case 'json':
    case 'void':
    case 'empty':
    case 'nofinish':
    case 'errorchunk':
      if (number === undefined) return { spelled, kind: name };
      break;
    case 'slow':
    case 'stall':
      if (number !== undefined) return { spelled, kind: name, delayMs: number };
      break;
    case 'cutafter':
    case 'idle':
    case 'midstream':
    case 'network_error':
      return { spelled, kind: name, afterChunks: number ?? defaultChunks ?? 0 };
    default:
  }
  throw new RangeError(`Unknown fault: ${spelled}`);
}

export class FaultQueue {
  #queued: Fault[] = [];
  #taken = 0;

  get size(): number {
    return this.#queued.length - this.#taken;
  }

  /** Appends. Throws a RangeError on an unknown spelling or a full queue, and then adds nothing. */
  add(spec: string): void {
    const faults = parseFaults(spec);
    if (this.size + faults.length > SIMULATOR_FAULTS)
      throw new RangeError('Too many faults queued');
    this.#queued = [...this.#queued.slice(this.#taken), ...faults];
    this.#taken = 0;
  }

  next(): Fault | undefined {
    const fault = this.#queued[this.#taken];
    if (fault !== undefined) this.#taken += 1;
    return fault;
  }

  clear(): void {
    this.#queued = [];
    this.#taken = 0;
  }
}
