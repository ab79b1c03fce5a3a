/**
 * YAML text -> a plain tree in which every key and value knows its line and column.
 *
 * Aliases and merge keys are resolved here, so that nobody after this file knows of YAML.
 * Must stay true: the work is bounded (nesting, expanded size), and no message quotes the text,
 * for a line with a fault may hold a key.
 */
import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { MAX_CONFIG_DEPTH, MAX_CONFIG_NODES } from '../limits.ts';
import type { Faults, Place } from './faults.ts';

interface Spot {
  readonly line: number;
  readonly column: number;
  /** Nodes in it, aliases expanded. */
  readonly size: number;
}

export type ScalarValue = string | number | boolean | null;

export interface ScalarTree extends Spot {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
}

export interface ListTree extends Spot {
  readonly kind: 'list';
  readonly items: readonly Tree[];
}

export interface Entry {
  readonly key: ScalarTree & { readonly value: string };
  readonly value: Tree;
}

export interface MapTree extends Spot {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}

export type Tree = ScalarTree | ListTree | MapTree;

const QUOTES = 'a value with "$" and "{", "[", "#" or ": " in it needs quotes';

/** Our own words, because the parser's quote the text at fault. */
const SYNTAX: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias (*name) cannot have an anchor or a tag',
  BAD_ALIAS: 'an alias or anchor name is malformed',
  BAD_COLLECTION_TYPE: 'this tag does not fit the value',
  BAD_DIRECTIVE: 'a % directive is malformed',
  BAD_DQ_ESCAPE: 'unknown escape in a double-quoted string; write \\\\ or use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above, or a bracket is not closed',
  BAD_PROP_ORDER: 'anchors and tags go in front of the value, after the indicator',
  BAD_SCALAR_START: 'a plain value cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping cannot stand on one line; put the value in quotes',
  BLOCK_IN_FLOW: 'a block cannot stand inside { } or [ ]',
  DUPLICATE_KEY: 'this key was already given',
  IMPOSSIBLE: 'this is not YAML',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: `a ":", ",", quote or bracket is missing here; ${QUOTES}`,
  MULTILINE_IMPLICIT_KEY: 'a key must fit on one line',
  MULTIPLE_ANCHORS: 'a value has more than one anchor',
  MULTIPLE_DOCS: 'a second document starts here ("---"); a configuration is one document',
  MULTIPLE_TAGS: 'a value has more than one tag',
  NON_STRING_KEY: 'a key must be a plain word',
  RESOURCE_EXHAUSTION: 'the nesting is too deep',
  TAB_AS_INDENT: 'a tab is used as indentation; use spaces',
  TAG_RESOLVE_FAILED: 'tags (!name) have no meaning here',
  UNEXPECTED_TOKEN: `something stands here that does not belong; ${QUOTES}`,
};

/** Reads the text; `undefined` when it is not YAML (the faults say so) or empty (they do not). */
export function parseTree(text: string, faults: Faults): Tree | undefined {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), path: '' };
  };
  const tooDeep = findDeepNesting(text);
  if (tooDeep !== undefined) {
    faults.error({ line: tooDeep, column: 1, path: '' }, SYNTAX.RESOURCE_EXHAUSTION);
    return undefined;
  }
  const document = parseText(text, lines);
  if (document === undefined) {
    faults.error({ line: 1, column: 1, path: '' }, SYNTAX.RESOURCE_EXHAUSTION);
    return undefined;
  }
  for (const error of [...document.errors, ...document.warnings]) {
    faults.error(at(error.pos[0]), SYNTAX[error.code]);
  }
  if (faults.failed || document.contents === null) return undefined;
  const planter = new Planter(at, faults);
  const tree = planter.plant(document.contents);
  if (tree.size <= MAX_CONFIG_NODES && !planter.bombed) return tree;
  faults.error(at(0), 'the aliases expand to far too many values');
  return undefined;
}

/** Undefined: it nests too deep for the parser in a way that a look at its lines did not show. */
function parseText(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      resolveKnownTags: false,
    });
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined; // its stack is at its end
    throw thrown;
  }
}

/** The line where brackets or indicators nest too deep for a recursive parser, or undefined. A
 *  rough count over the characters: strings and comments count too, the bound leaves them room. */
function findDeepNesting(text: string): number | undefined {
  let brackets = 0;
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    for (const char of line) {
      if (char === '[' || char === '{') brackets += 1;
      else if (char === ']' || char === '}') brackets = Math.max(0, brackets - 1);
      if (brackets > MAX_CONFIG_DEPTH) return index + 1;
    }
    const indicators = /(?:[-?:][ \t]+)+/g;
    for (const [run] of line.matchAll(indicators)) {
      if (run.split(/[ \t]+/).length > MAX_CONFIG_DEPTH) return index + 1;
    }
    if ((/^ */.exec(line)?.[0].length ?? 0) > MAX_CONFIG_DEPTH * 4) return index + 1;
  }
  return undefined;
}

/** Turns nodes into trees in the order of the text: an alias finds the anchor before it. */
class Planter {
  readonly #at: (offset: number) => Place;
  readonly #faults: Faults;
  readonly #anchors = new Map<string, Tree>();
  #mergedCount = 0;

  constructor(at: (offset: number) => Place, faults: Faults) {
    this.#at = at;
    this.#faults = faults;
  }

  plant(node: Node): Tree {
    if (isAlias(node)) return this.#alias(node.source, this.#place(node));
    const tree = this.#plain(node);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, tree);
    return tree;
  }

  #plain(node: Node): Tree {
    const { line, column } = this.#place(node);
    if (isMap(node)) return this.#map(node, { line, column });
    if (isSeq(node)) {
      const items = node.items.map((item) => this.plant(item as Node));
      return { kind: 'list', items, line, column, size: sum(items) };
    }
    const value = isScalar(node) ? toScalar(node.value) : null;
    return { kind: 'scalar', value, line, column, size: 1 };
  }

  #alias(name: string, place: Place): Tree {
    const tree = this.#anchors.get(name);
    if (tree !== undefined) return tree;
    this.#faults.error(place, 'an alias (*name) whose anchor (&name) does not stand before it');
    return { kind: 'scalar', value: null, line: place.line, column: place.column, size: 1 };
  }

  #map(node: YAMLMap, spot: { line: number; column: number }): MapTree {
    const own = new Map<string, Entry>();
    const merged: MapTree[] = [];
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = this.plant(pair.key);
      if (key.kind !== 'scalar' || typeof key.value !== 'string') continue;
      const value = pair.value === null ? { ...key, value: null } : this.plant(pair.value);
      const isMerge = isScalar(pair.key) && pair.key.type === 'PLAIN' && key.value === '<<';
      if (isMerge) merged.push(...this.#mergeSources(value));
      else if (own.has(key.value)) this.#duplicate(key, own.get(key.value)!);
      else own.set(key.value, { key: { ...key, value: key.value }, value });
    }
    const entries = this.#merge(own, merged);
    const size = sum([...entries.values()].map((entry) => entry.value));
    return { kind: 'map', entries, ...spot, size };
  }

  /** Own keys win over merged ones, an earlier source over a later one. */
  #merge(own: Map<string, Entry>, sources: readonly MapTree[]): Map<string, Entry> {
    for (const { entries } of sources) {
      this.#mergedCount += entries.size;
      if (this.bombed) break;
      for (const [key, entry] of entries) if (!own.has(key)) own.set(key, entry);
    }
    return own;
  }

  /** Whether more was merged than a tree may hold; the rest was left out then. */
  get bombed(): boolean {
    return this.#mergedCount > MAX_CONFIG_NODES;
  }

  #mergeSources(value: Tree): readonly MapTree[] {
    const sources = value.kind === 'list' ? value.items : [value];
    const maps = sources.filter((source) => source.kind === 'map');
    if (maps.length === sources.length) return maps;
    this.#faults.error({ ...value, path: '<<' }, 'only mappings can be merged');
    return [];
  }

  #duplicate(key: ScalarTree, first: Entry): void {
    this.#faults.error(
      { ...key, path: '' },
      `this key was already given in line ${first.key.line}`,
    );
  }

  #place(node: Node): Place {
    return this.#at(node.range?.[0] ?? 0);
  }
}

const sum = (trees: readonly Tree[]): number => trees.reduce((total, { size }) => total + size, 1);

/** A scalar of the core schema; anything else (no tag makes one here) counts as nothing. */
function toScalar(value: unknown): ScalarValue {
  const known = ['string', 'number', 'boolean'].includes(typeof value);
  return known ? (value as string | number | boolean) : null;
}
