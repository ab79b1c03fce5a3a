/**
 * Who of those that wait is next, and when is it worth looking again?
 *
 * Requests that compete for the same room (one model route) are a line; the first of a line is
 * tried alone, and as long as it finds no room nobody of its line does: a large request is not
 * starved by small ones. Inside a line:
 *
 *   main        session A: a1 a2 a3     sessions take turns; a session's own requests stay in order
 *               session B: b1
 *   subagent    ...                     each class counts as if it had come AGEING_MS later than
 *   the background  ...                     one above, so that it is behind, but not for ever
 *
 * A request that had its turn and came back (its attempt was refused) is before all of them.
 *
 * Must stay true: entering, leaving and being admitted cost O(1), deadlines O(log n), a refused
 * look one try per line; nothing polls: `nextWakeMs` is the next moment at which anything can
 * change.
 */
import { type Dated, DeadlineHeap } from './deadline-heap.ts';

export type WaitingClass = 'main' | 'subagent' | 'background';

const RANKS: Readonly<Record<WaitingClass, number>> = { main: 0, subagent: 1, background: 2 };
const CLASS_COUNT = 3;
/** A class lets the one below pass when that has waited this much longer. */
export const AGEING_MS = 15_000;

/** A place in the room: what `leave` takes. */
export interface Place<T> extends Dated {
  readonly item: T;
  readonly enteredMs: number;
  readonly line: string;
  readonly session: string;
  readonly rank: number;
  /** Had its turn before. */
  readonly again: boolean;
}

/** The places of each session in the order of entering; sessions in the order of their turns (Maps
 *  and Sets keep the order in which things were put in). */
type Sessions<T> = Map<string, Set<Place<T>>>;

interface Line<T> {
  /** By rank. */
  readonly classes: readonly Sessions<T>[];
  /** Those that came back, in the order in which they did. */
  readonly again: Set<Place<T>>;
  /** Not worth looking before; 0 = look at once. */
  wakeMs: number;
  depth: number;
}

export class WaitingRoom<T> {
  readonly #maxDepth: number;
  readonly #lines = new Map<string, Line<T>>();
  readonly #deadlines = new DeadlineHeap<Place<T>>();
  #depth = 0;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** All that wait. */
  get depth(): number {
    return this.#depth;
  }

  depthOf(line: string): number {
    return this.#lines.get(line)?.depth ?? 0;
  }

  /** Every line, and since when its first one waits. */
  *firsts(): Generator<readonly [line: string, enteredMs: number]> {
    for (const [name, line] of this.#lines) {
      yield [name, (firstOf(line) as Place<T>).enteredMs];
    }
  }

  /** A place, or undefined when the room is full. A line looks at once when its first one enters.
   *  `again`: it was let in before and came back; it does not wait for its turn once more. */
  enter(
    item: T,
    about: {
      readonly line: string;
      readonly session: string;
      readonly class: WaitingClass;
      readonly deadlineMs: number;
      readonly again?: boolean;
    },
    nowMs: number,
  ): Place<T> | undefined {
    if (this.#depth >= this.#maxDepth) return undefined;
    const { line, session, deadlineMs, again = false } = about;
    const rank = RANKS[about.class];
    const place = { item, enteredMs: nowMs, deadlineMs, line, session, rank, again, gone: false };
    const of = this.#lineOf(line);
    const before = firstOf(of);
    if (again) of.again.add(place);
    else putIn(of.classes[rank] as Sessions<T>, place);
    of.depth += 1;
    this.#depth += 1;
    this.#deadlines.push(place);
    if (firstOf(of) !== before) of.wakeMs = 0;
    return place;
  }

  /** Gives up a place, at any time; false when it was given up or admitted before. */
  leave(place: Place<T>): boolean {
    if (place.gone) return false;
    const line = this.#lines.get(place.line) as Line<T>;
    if (firstOf(line) === place) line.wakeMs = 0; // the next one may need less
    this.#remove(line, place);
    return true;
  }

  /** Something has ended or changed: every line is worth a look. */
  stir(): void {
    for (const line of this.#lines.values()) line.wakeMs = 0;
  }

  /**
   * Lets in whom it can. `tryOne` says 0 when it has let the item in, else the moment from which it
   * could (Infinity: only after a `stir`). Returns how many went in.
   */
  admit(nowMs: number, tryOne: (item: T) => number): number {
    let admitted = 0;
    for (const line of [...this.#lines.values()]) {
      while (line.depth > 0 && line.wakeMs <= nowMs) {
        const place = firstOf(line) as Place<T>;
        const wakeMs = tryOne(place.item);
        if (wakeMs > 0) {
          line.wakeMs = Math.max(wakeMs, nowMs + 1);
          break;
        }
        this.#remove(line, place);
        this.#passTurn(line, place);
        admitted += 1;
      }
    }
    return admitted;
  }

  /** Takes out everyone whose deadline has come, the earliest first. */
  expire(nowMs: number, onExpired: (item: T) => void): void {
    for (;;) {
      const place = this.#deadlines.first();
      if (place === undefined || place.deadlineMs > nowMs) return;
      this.leave(place);
      onExpired(place.item);
    }
  }

  /** The next moment at which `admit` or `expire` has something to do; Infinity: only a `stir`. */
  nextWakeMs(): number {
    let wakeMs = this.#deadlines.first()?.deadlineMs ?? Number.POSITIVE_INFINITY;
    for (const line of this.#lines.values()) wakeMs = Math.min(wakeMs, line.wakeMs);
    return wakeMs;
  }

  #lineOf(name: string): Line<T> {
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const classes = Array.from({ length: CLASS_COUNT }, () => new Map<string, Set<Place<T>>>());
    const line = { classes, again: new Set<Place<T>>(), wakeMs: 0, depth: 0 };
    this.#lines.set(name, line);
    return line;
  }

  #remove(line: Line<T>, place: Place<T>): void {
    if (place.again) line.again.delete(place);
    else takeOut(line.classes[place.rank] as Sessions<T>, place);
    this.#deadlines.markGone(place);
    line.depth -= 1;
    this.#depth -= 1;
    if (line.depth === 0) this.#lines.delete(place.line);
  }

  /** The session that was served goes behind the others of its class. */
  #passTurn(line: Line<T>, { rank, session, again }: Place<T>): void {
    const sessions = line.classes[rank] as Sessions<T>;
    const own = sessions.get(session);
    if (own === undefined || again) return;
    sessions.delete(session);
    sessions.set(session, own);
  }
}

function putIn<T>(sessions: Sessions<T>, place: Place<T>): void {
  const own = sessions.get(place.session);
  if (own === undefined) sessions.set(place.session, new Set([place]));
  else own.add(place);
}

function takeOut<T>(sessions: Sessions<T>, place: Place<T>): void {
  const own = sessions.get(place.session);
  own?.delete(place);
  if (own?.size === 0) sessions.delete(place.session);
}

/** The place whose turn it is: who came back; then of the sessions in turn, one a class, the one
 *  that came first, with each class counted later than the one above. */
function firstOf<T>(line: Line<T>): Place<T> | undefined {
  const [back] = line.again;
  if (back !== undefined) return back;
  let first: Place<T> | undefined;
  let firstMs = Number.POSITIVE_INFINITY;
  for (let rank = 0; rank < CLASS_COUNT; rank++) {
    const place = frontOf(line.classes[rank] as Sessions<T>);
    if (place === undefined) continue;
    const countedMs = place.enteredMs + rank * AGEING_MS;
    if (countedMs >= firstMs) continue;
    first = place;
    firstMs = countedMs;
  }
  return first;
}

function frontOf<T>(sessions: Sessions<T>): Place<T> | undefined {
  const own = sessions.values().next().value;
  return own?.values().next().value;
}
