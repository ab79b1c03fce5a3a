/**
 * Which tool call does a fragment belong to, and which call may be shown now?
 *
 * Calls of one message may come whole, in pieces, interleaved, with or without index, id or name
 * (WIRE.md §D). Clients take one block at a time, so only the head of the queue is live:
 *
 *    fragment --find--> call --+--> [ head | next | next ]
 *                              head: named and begun -> tool block, its arguments as they come
 *                              whole and another call waits -> block closed, the next is head
 *
 * Must stay true: no argument is lost or moved to another call; a call without a name is not shown
 * (there is no tool to run), unless only one tool was offered.
 */
import type { FunctionFragment, ToolCallFragment } from '../../wire/openai-response.ts';
import type { Blocks } from './answer-blocks.ts';
import { toolUseId } from './ids.ts';
import { asRecord } from './loose.ts';
import type { RequestMemo } from './memo.ts';
import { NameRepair } from './name-repair.ts';
import { argumentText, ToolArguments } from './tool-arguments.ts';

interface Call {
  readonly index: number | undefined;
  id: string;
  /** The provider's, as far as it came. */
  name: string;
  /** The name is whole: arguments came after it, or with it. */
  named: boolean;
  readonly json: ToolArguments;
}

export class ToolCalls {
  readonly #blocks: Blocks;
  readonly #names: NameRepair;
  readonly #uniqueId: string;
  readonly #calls: Call[] = [];
  /** The first call that is not closed. */
  #head = 0;
  #headShown = false;
  #shown = 0;
  #dropped = 0;
  #cut = false;

  constructor(blocks: Blocks, memo: RequestMemo, uniqueId: string) {
    this.#blocks = blocks;
    this.#names = new NameRepair(memo);
    this.#uniqueId = uniqueId;
  }

  /** Calls shown to the client. */
  get shown(): number {
    return this.#shown;
  }

  /** Calls that never got a name. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The last shown call ended before its JSON did. */
  get cut(): boolean {
    return this.#cut;
  }

  /** True when the model's name for a tool means one that was offered. */
  knows(name: string): boolean {
    return this.#names.knows(this.#names.resolve(name));
  }

  /** Some call is not closed. */
  get open(): boolean {
    return this.#head < this.#calls.length;
  }

  /** The head's arguments are not whole yet: nothing else may be shown before they are. */
  get busy(): boolean {
    const head = this.#calls[this.#head];
    return head !== undefined && !(this.#headShown && head.json.complete);
  }

  /** Takes the `tool_calls` of a delta or, `whole`, of a message, where every entry is a call of
   *  its own. Gives the argument text in them, for the estimate. */
  take(fragments: readonly unknown[], whole: boolean): string {
    let seen = '';
    for (const [place, value] of fragments.entries()) {
      const fragment: ToolCallFragment | undefined = asRecord(value);
      if (fragment === undefined) continue;
      const said: FunctionFragment = asRecord(fragment.function) ?? asRecord(fragment) ?? {};
      const name = typeof said.name === 'string' ? said.name : '';
      const call = whole ? this.#add(undefined, '') : this.#find(fragment, name, place, fragments);
      seen += this.#extend(call, name, argumentText(said.arguments));
    }
    return seen;
  }

  /** Closes a head that is whole, because something that is no call comes next. */
  pause(): void {
    if (this.open && !this.busy) this.#closeHead();
  }

  /** No more fragments come: shows and closes every call. */
  flush(): void {
    while (this.open) {
      if (!this.#headShown && !this.#show(true)) {
        this.#dropped += 1;
        this.#head += 1;
      } else {
        this.#closeHead();
      }
    }
  }

  #extend(call: Call, name: string, json: string): string {
    if (name !== '' && !call.named) call.name = joinName(call.name, name);
    if (json !== '') call.json.append(json);
    // Arguments end a name; after early arguments only a name that is known counts as whole.
    if (json !== '') call.named ||= call.name !== '';
    else if (call.json.started) call.named ||= this.#names.knows(call.name);
    this.#pump();
    return json;
  }

  #find(
    fragment: ToolCallFragment,
    name: string,
    place: number,
    fragments: readonly unknown[],
  ): Call {
    const index = typeof fragment.index === 'number' ? fragment.index : undefined;
    const id = typeof fragment.id === 'string' ? fragment.id : '';
    const found =
      index === undefined
        ? this.#findUnindexed(id, name, place, fragments.length)
        : this.#calls.findLast((call) => call.index === index);
    // Some servers give every call index 0: another id together with a name is another call.
    const other = id !== '' && found?.id !== '' && found?.id !== id && name !== '';
    if (found === undefined || other) return this.#add(index, id);
    if (found.id === '') found.id = id;
    return found;
  }

  #findUnindexed(id: string, name: string, place: number, of: number): Call | undefined {
    if (id !== '') {
      const last = this.#calls.at(-1);
      return this.#calls.findLast((call) => call.id === id) ?? (last?.id === '' ? last : undefined);
    }
    if (name !== '') {
      const last = this.#calls.at(-1);
      return place > 0 || last?.json.started ? undefined : last;
    }
    return of > 1 ? this.#calls[place] : this.#calls.at(-1);
  }

  #add(index: number | undefined, id: string): Call {
    const call: Call = { index, id, name: '', named: false, json: new ToolArguments() };
    this.#calls.push(call);
    return call;
  }

  /** Shows as much as can be shown now. */
  #pump(): void {
    while (this.open) {
      if (!this.#headShown && !this.#show(false)) return;
      const call = this.#calls[this.#head] as Call;
      this.#give(call.json.take());
      if (!call.json.complete || this.#head + 1 === this.#calls.length) return;
      this.#closeHead();
    }
  }

  /** Opens the block of the head, if its name is sure; `last`: no better one will come. */
  #show(last: boolean): boolean {
    const call = this.#calls[this.#head] as Call;
    if (!last && !call.named) return false;
    const name = call.name === '' && call.json.started ? this.#names.only : call.name;
    if (name.trim() === '') return false;
    this.#blocks.tool(toolUseId(this.#uniqueId, this.#shown), this.#names.resolve(name));
    this.#headShown = true;
    this.#shown += 1;
    return true;
  }

  #closeHead(): void {
    const { json } = this.#calls[this.#head] as Call;
    this.#give(json.takeLast());
    this.#cut = !json.complete;
    this.#blocks.close();
    this.#headShown = false;
    this.#head += 1;
  }

  #give(json: string): void {
    if (json !== '') this.#blocks.toolJson(json);
  }
}

/** A name may come in pieces, be repeated, or grow from chunk to chunk. */
function joinName(known: string, piece: string): string {
  if (known === piece || piece.startsWith(known)) return piece;
  return known + piece;
}
