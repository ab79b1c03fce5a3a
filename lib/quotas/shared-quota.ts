/**
 * Do two keys draw on one quota, although the configuration says they do not?
 *
 * Providers count per organization (FIELD-NOTES F2), and people hand in several keys of one. Then
 * what is left of key A falls by more than A itself has sent, and by about what B has sent in the
 * meantime. Must stay true: two keys are called one only after each of them has shown that EVIDENCE
 * times in a row (a third key with the same traffic looks alike from one side); a pair is found
 * once.
 */

/** Nothing was found. */
export const NOT_SHARED = -1;

const EVIDENCE = 2;
/** The other key has sent this many before a pair is judged: far more than are in flight at once,
 *  of which nobody knows whether the provider had counted them. */
const JUDGED_AFTER = 16;
/** The share of the other's requests that must be missing. */
const SHARE = 0.6;

/** Where the requests sent with each key are counted: cells of any array, in the order of the keys.
 *  Threads that send with the same keys count in the same cells. */
export interface SentCells {
  readonly counts: Int32Array;
  readonly at: readonly number[];
}

/** A pair, seen from one side: where its counts stood when the stretch under judgement began. */
interface View {
  left: number;
  limit: number;
  own: number;
  others: number;
  evidence: number;
}

export class SharedQuota {
  readonly #keys: number;
  readonly #sent: SentCells;
  readonly #limits: Float64Array;
  /** Row k, column of the other. */
  readonly #views: View[];

  constructor(keys: number, sent: SentCells = ownCells(keys)) {
    this.#keys = keys;
    this.#sent = sent;
    this.#limits = new Float64Array(keys);
    const fresh = () => ({ left: -1, limit: 0, own: 0, others: 0, evidence: 0 });
    this.#views = Array.from({ length: keys * keys }, fresh);
  }

  /** A request goes out with this key. Counted at the start, as the provider does. */
  sent(key: number): void {
    const { counts, at } = this.#sent;
    Atomics.add(counts, at[key] as number, 1);
  }

  /** An answer says how many requests are left of the key's quota. Returns a key that is found, by
   *  this very look, to draw on the same one, else NOT_SHARED. */
  look(key: number, limit: number, left: number): number {
    this.#limits[key] = limit;
    for (let other = 0; other < this.#keys; other++) {
      if (other !== key && this.#judge(key, other, left)) return other;
    }
    return NOT_SHARED;
  }

  /** True when this look completes the proof for a pair. */
  #judge(key: number, other: number, left: number): boolean {
    const view = this.#views[key * this.#keys + other] as View;
    const limit = this.#limits[key] as number;
    const own = this.#sentWith(key) - view.own;
    const others = this.#sentWith(other) - view.others;
    const fell = view.left - left;
    const fresh = view.left < 0 || view.limit !== limit || fell < 0;
    if (!fresh && others < JUDGED_AFTER) return false;
    const speaks = !fresh && this.#limits[other] === limit && fell >= own + others * SHARE;
    const before = view.evidence;
    view.evidence = speaks ? Math.min(EVIDENCE, before + 1) : 0;
    view.left = left;
    view.limit = limit;
    view.own = this.#sentWith(key);
    view.others = this.#sentWith(other);
    const back = this.#views[other * this.#keys + key] as View;
    return before < EVIDENCE && view.evidence === EVIDENCE && back.evidence === EVIDENCE;
  }

  #sentWith(key: number): number {
    return this.#sent.counts[this.#sent.at[key] as number] as number;
  }
}

function ownCells(keys: number): SentCells {
  return { counts: new Int32Array(keys), at: Array.from({ length: keys }, (_, key) => key) };
}
