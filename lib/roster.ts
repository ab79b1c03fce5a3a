/**
 * Who is here now? Members come and go with every request, and each of them knows its place.
 *
 * Not a Set: with members that come and go one makes a new table every few dozen times, and each
 * old table points to the next one. Once the first of them lies in the old generation all that
 * follow are kept, and every request they knew, until the whole heap is marked. Must stay true: a
 * member is in one roster at most, and once.
 */

/** What a roster needs of its members. */
export interface Member {
  /** The roster's: where it stands; negative: nowhere. */
  place: number;
}

export class Roster<M extends Member> {
  readonly #members: M[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: M): void {
    member.place = this.#members.length;
    this.#members.push(member);
  }

  /** The last one takes its place. Without effect on one that is not here. */
  delete(member: M): void {
    const { place } = member;
    if (this.#members[place] !== member) return;
    const last = this.#members.pop() as M;
    if (last !== member) {
      this.#members[place] = last;
      last.place = place;
    }
    member.place = -1;
  }

  /** Those who are here now, as a list of its own: it does not change while they leave. */
  all(): M[] {
    return [...this.#members];
  }
}
