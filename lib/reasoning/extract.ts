/**
 * Which part of a text is reasoning? Takes `<think>` and `<reasoning_content>` out of a stream.
 *
 *      START --text--> TEXT <--------+--------- AFTER (a tag closed, no text yet: white space goes)
 *        |              |            |            ^
 *        +--<think>-----|-----> THINK --</think>--+
 *        +--<reasoning_content>--> REASONING -----+
 *
 * Must stay true: any cutting of the text into pieces gives the same text and the same thinking; no
 * more is held back than what may be the start of a tag (or the white space in front of one).
 * `<think>` counts only at the very start (raw modes of GLM and Qwen, WIRE.md §D, §F.3), and
 * `<reasoning_content>` only when asked for: a program may rightly write about these tags.
 */

export interface RunSink {
  text(run: string): void;
  thinking(run: string): void;
}

const START = 0;
const TEXT = 1;
const THINK = 2;
const REASONING = 3;
const AFTER = 4;

const THINK_OPEN = '<think>';
const REASONING_OPEN = '<reasoning_content>';
const CLOSE = { [THINK]: '</think>', [REASONING]: '</reasoning_content>' } as const;
/** GLM marks its final answer with these; they are no part of it. */
const BOXES = ['<|begin_of_box|>', '<|end_of_box|>'] as const;

/** What follows a `<`: the start of one of the words (MAYBE), none of them (NO), or that word. */
const MAYBE = 1;
const NO = 2;

export class ReasoningExtractor {
  readonly #sink: RunSink;
  readonly #textWords: readonly string[];
  readonly #startWords: readonly string[];
  #state: typeof START | typeof TEXT | typeof THINK | typeof REASONING | typeof AFTER = START;
  /** Text that may be the start of a tag, or the white space in front of one. */
  #held = '';
  #sawText = false;

  /** `reasoningBlocks`: whether `<reasoning_content>` is taken out too. */
  constructor(sink: RunSink, reasoningBlocks: boolean) {
    this.#sink = sink;
    this.#textWords = reasoningBlocks ? [REASONING_OPEN, ...BOXES] : BOXES;
    this.#startWords = [THINK_OPEN, ...this.#textWords];
  }

  /** Takes a piece of text and hands over what is certain. */
  take(piece: string): void {
    if (this.#state === TEXT && this.#held === '' && !piece.includes('<')) {
      if (piece !== '') this.#sink.text(piece);
      return;
    }
    let rest: string | null = this.#held + piece;
    this.#held = '';
    while (rest !== null && rest !== '') rest = this.#step(rest);
  }

  /** Hands over what was held back: no more text comes, or something else comes in between. */
  flush(): void {
    const held = this.#held;
    this.#held = '';
    if ((this.#state === START || this.#state === AFTER) && /\S/.test(held)) this.#toText();
    this.#emit(held);
  }

  /** Takes the first certain part off `text` and gives the rest; null when the rest is held. */
  #step(text: string): string | null {
    switch (this.#state) {
      case START:
      case AFTER:
        return this.#atStart(text);
      case TEXT:
        return this.#inText(text);
      case THINK:
      case REASONING:
        return this.#inThinking(text, CLOSE[this.#state]);
      default:
        return this.#state satisfies never;
    }
  }

  #atStart(text: string): string | null {
    const at = text.search(/\S/);
    if (at === -1) return this.#hold(this.#state === START ? text : '');
    const words = this.#state === START ? this.#startWords : this.#textWords;
    const found = text[at] === '<' ? wordAt(text, at, words) : NO;
    if (found === MAYBE) return this.#hold(this.#state === START ? text : text.slice(at));
    if (found === NO) {
      const kept = this.#state === START ? text : text.slice(at);
      this.#toText();
      return this.#inText(kept);
    }
    return this.#opened(found, text.slice(at + found.length));
  }

  #inText(text: string): string | null {
    for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
      const found = wordAt(text, at, this.#textWords);
      if (found === NO) continue;
      this.#emit(text.slice(0, at));
      return found === MAYBE
        ? this.#hold(text.slice(at))
        : this.#opened(found, text.slice(at + found.length));
    }
    this.#emit(text);
    return null;
  }

  #inThinking(text: string, close: string): string | null {
    for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
      const found = wordAt(text, at, [close]);
      if (found === NO) continue;
      this.#emit(text.slice(0, at));
      if (found === MAYBE) return this.#hold(text.slice(at));
      this.#state = this.#sawText ? TEXT : AFTER;
      return text.slice(at + close.length);
    }
    this.#emit(text);
    return null;
  }

  /** A whole opening tag or a box mark was read: the mark disappears, a tag changes the state. */
  #opened(word: string, rest: string): string {
    if (word === THINK_OPEN) this.#state = THINK;
    else if (word === REASONING_OPEN) this.#state = REASONING;
    else if (this.#state === START) this.#state = AFTER;
    return rest;
  }

  #toText(): void {
    this.#state = TEXT;
    this.#sawText = true;
  }

  #hold(text: string): null {
    this.#held = text;
    return null;
  }

  #emit(run: string): void {
    if (run === '') return;
    if (this.#state === THINK || this.#state === REASONING) this.#sink.thinking(run);
    else this.#sink.text(run);
  }
}

function wordAt(text: string, at: number, words: readonly string[]): string | 1 | 2 {
  let found: typeof MAYBE | typeof NO = NO;
  for (const word of words) {
    if (text.startsWith(word, at)) return word;
    if (text.length - at < word.length && word.startsWith(text.slice(at))) found = MAYBE;
  }
  return found;
}
