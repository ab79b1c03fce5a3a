/**
 * Who may import whom. The table is the plan of the house (ARCHITECTURE.md, "Import direction"):
 * a change here is a change of the plan and needs its reason there.
 */
import { posix } from 'node:path';
import type { SourceFile } from './source.ts';

/** From top to bottom: a room imports what lies below it. Rooms of one line do not know each
 *  other. */
const LAYERS: readonly (readonly string[])[] = [
  ['index'],
  ['main'],
  ['commands'],
  ['serve'],
  ['workers'],
  ['server', 'services', 'state', 'reload', 'systemd', 'watch'],
  ['router', 'routes', 'guard', 'framing', 'connections'],
  ['pipeline', 'answer'],
  ['stages'],
  ['client-room'],
  ['refusals', 'gauges'],
  ['exchange'],
  ['standing', 'memory'],
  ['gateway', 'reply'],
  ['clients', 'succession', 'chunk-writer', 'whole-answer', 'taken-body', 'body-memory'],
  [
    'model-table',
    'calibrations',
    'waiting',
    'sessions',
    'breakers',
    'buckets',
    'overload',
    'young-generation',
  ],
  [
    'quotas',
    'strategies',
    'translate',
    'providers',
    'reasoning',
    'transports',
    'telemetry',
    'config',
    'simulator',
  ],
  ['errors', 'limits', 'wire', 'version', 'roster', 'collector'],
];

/** Who knows a room of its own line, and why. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  routes: ['router'], // a route is what the router's table holds
  config: ['providers'], // presets are the defaults of a configuration
  strategies: ['quotas'], // a strategy is a way to choose from the quota table
  translate: ['reasoning'], // reasoning is taken out of the text that is translated
};

/** What everyone may import, types only. */
const FREE_TYPES = new Set([
  'lib/exchange.ts',
  'lib/config/types.ts',
  'lib/providers/types.ts',
  'lib/transports/types.ts',
  'lib/translate/translator.ts',
]);

export const PURE_ROOMS = new Set([
  'quotas',
  'strategies',
  'translate',
  'providers',
  'reasoning',
  'wire',
]);

/** Folders whose files are alike, so that none needs another; `index.ts` knows all, all know
 *  `types.ts`. */
const ROOMS_OF_SIBLINGS = new Set(['commands', 'routes', 'stages', 'strategies', 'providers']);

/** Data that siblings share, by file: the tables of errors, and the dialect all others vary. */
const SHARED_BY_SIBLINGS = /^lib\/providers\/(?:[\w-]*errors|openai)\.ts$/;

export interface Import {
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** Relative to the root for one of our own files. */
  readonly target: string;
  /** What stands between `import` and `from`. */
  readonly names: string;
  readonly typeOnly: boolean;
}

/** Every import, export-from and dynamic import of a file. */
export function importsOf(file: SourceFile): Import[] {
  const statement =
    /(?:^|[\n;])\s*(?:(?<word>import|export)\s+(?<names>[\w\s{},*$]*?)\s*from\s*|import\s*)(?<quote>['"])|\bimport\(\s*(?<dynamic>['"])/g;
  return [...file.code.matchAll(statement)].map((match) => {
    const start = match.index + match[0].length;
    const quote = match.groups?.quote ?? match.groups?.dynamic ?? "'";
    const specifier = file.text.slice(start, file.text.indexOf(quote, start));
    return {
      line: lineAt(file.text, start),
      specifier,
      target: resolve(file.path, specifier),
      names: match.groups?.names ?? '',
      typeOnly: isTypeOnly(match.groups?.names ?? ''),
    };
  });
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier;
}

/** `import type …`, or every name between the braces is a type. */
function isTypeOnly(names: string): boolean {
  if (/^type\s/.test(names)) return true;
  const listed = /^\{([\s\S]*)\}$/
    .exec(names)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return (
    listed !== undefined && listed.length > 0 && listed.every((name) => /^\s*type\s/.test(name))
  );
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** `lib/stages/admit.ts` -> `stages`; `lib/server.ts` -> `server`; undefined outside of lib. */
export function roomOf(path: string): string | undefined {
  return /^lib\/([\w-]+)(?:\/|\.ts$)/.exec(path)?.[1];
}

const layerOf = (room: string): number => LAYERS.findIndex((layer) => layer.includes(room));

/** Why `from` may not have this import, or undefined. */
export function importFault(from: string, each: Import): string | undefined {
  const room = roomOf(from) ?? '';
  if (layerOf(room) < 0) return `"${room}" is not a room of the plan`;
  if (!each.target.startsWith('lib/')) return outsideFault(room, each);
  const target = roomOf(each.target) ?? '';
  if (target === room) return siblingFault(from, room, each.target);
  if (each.typeOnly && FREE_TYPES.has(each.target)) return undefined;
  if (layerOf(target) > layerOf(room)) return undefined;
  if (NEIGHBOURS[room]?.includes(target)) return undefined;
  return `${room} may not import ${target}${each.typeOnly ? ' (not even its types)' : ''}`;
}

function outsideFault(room: string, each: Import): string | undefined {
  if (each.specifier.startsWith('node:')) {
    return PURE_ROOMS.has(room) ? `${room} is pure: no ${each.specifier}` : undefined;
  }
  if (each.specifier.startsWith('.')) return `lib may not import ${each.target}`;
  return each.specifier === 'yaml' && room === 'config'
    ? undefined
    : `only config may import a package, and only yaml: ${each.specifier}`;
}

function siblingFault(from: string, room: string, target: string): string | undefined {
  if (!ROOMS_OF_SIBLINGS.has(room) || from.endsWith('/index.ts')) return undefined;
  if (target.endsWith('/types.ts') || SHARED_BY_SIBLINGS.test(target)) return undefined;
  return `siblings do not import each other: ${target}`;
}

/** Every ring of imports, as `a -> b -> a`. Types count too, except those that everyone may import:
 *  they are the vocabulary, and gone at run time. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, edgesOf(file)]));
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

function edgesOf(file: SourceFile): string[] {
  return importsOf(file)
    .filter(({ typeOnly, target }) => !(typeOnly && FREE_TYPES.has(target)))
    .map(({ target }) => target);
}
