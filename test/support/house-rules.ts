/**
 * The house rules as functions: files in, faults out, each as `file:line: what and why`. The rules
 * about imports are in import-rules.ts.
 */
import {
  findCycles,
  type Import,
  importFault,
  importsOf,
  lineAt,
  PURE_ROOMS,
  roomOf,
} from './import-rules.ts';
import type { SourceFile } from './source.ts';

export interface Rule {
  readonly name: string;
  readonly check: (files: readonly SourceFile[]) => string[];
}

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_COLUMNS = 100;

const isTypeScript = (path: string) => /^(?:lib|bench|test)\/.*\.ts$/.test(path);
const isLib = (path: string) => /^lib\/.*\.ts$/.test(path);
/** Recorded or generated: their words are not ours. */
const isRecorded = (path: string) =>
  /^test\/(?:fixtures|golden|cassettes|corpus)\/|^package-lock\.json$|^LICENSE$/.test(path);

/** A rule that looks at one file at a time. */
const perFile = (
  name: string,
  applies: (path: string) => boolean,
  check: (file: SourceFile) => string[],
): Rule => ({
  name,
  check: (files) => files.filter(({ path }) => applies(path)).flatMap(check),
});

/** A rule that no line matches `pattern`, in the bare code or in the whole text. */
const forbidden = (
  name: string,
  applies: (path: string) => boolean,
  pattern: RegExp,
  where: 'code' | 'text' = 'code',
): Rule =>
  perFile(name, applies, (file) =>
    [...file[where].matchAll(new RegExp(pattern, 'gm'))].map(
      (match) => `${file.path}:${lineAt(file.text, match.index)}: ${name}: ${match[0].trim()}`,
    ),
  );

const inRoom = (path: string, ...rooms: string[]) => rooms.includes(roomOf(path) ?? '');
const NETWORK = /^node:(?:http|https|http2|net|tls|dgram)$/;

/** To ask whether a text is an address opens nothing, nor do the classes of what a server hands
 *  out. */
const opensNothing = ({ names }: Import) =>
  /^\{(?:\s*(?:type \w+|isIP(?:v4|v6)?|ServerResponse|IncomingMessage)\s*,?)+\}$/.test(names);

const importRules: readonly Rule[] = [
  perFile('imports go down the plan', isLib, (file) =>
    importsOf(file).flatMap((each) => {
      const fault = importFault(file.path, each);
      return fault === undefined ? [] : [`${file.path}:${each.line}: ${fault}`];
    }),
  ),
  {
    name: 'no cycles in lib',
    check: (files) => findCycles(files.filter(({ path }) => isLib(path))),
  },
  perFile(
    'only transports, the server and the simulator touch the network',
    (path) => isLib(path) && !inRoom(path, 'transports', 'server', 'simulator'),
    (file) =>
      importsOf(file)
        .filter((each) => NETWORK.test(each.specifier) && !each.typeOnly && !opensNothing(each))
        .map((each) => `${file.path}:${each.line}: opens no sockets, imports ${each.specifier}`),
  ),
  perFile(
    'only config/load, state, watch, the simulator and the process metrics read files',
    (path) =>
      isLib(path) &&
      !inRoom(path, 'simulator') &&
      path !== 'lib/config/load.ts' &&
      path !== 'lib/state.ts' && // and writes one
      path !== 'lib/watch.ts' && // when it has changed
      path !== 'lib/telemetry/process-metrics.ts', // /proc/self/fd
    (file) =>
      importsOf(file)
        .filter(({ specifier, typeOnly }) => /^node:fs/.test(specifier) && !typeOnly)
        .map((each) => `${file.path}:${each.line}: reads no files, imports ${each.specifier}`),
  ),
  perFile(
    'no barrels: only an index.ts exports what another file holds',
    (path) => isTypeScript(path) && !path.endsWith('/index.ts'),
    (file) =>
      [...file.code.matchAll(/^export\s+(?:type\s+)?(?:\*|\{[^}]*\}\s*from)/gm)].map(
        (match) => `${file.path}:${lineAt(file.text, match.index)}: re-export`,
      ),
  ),
];

const isPure = (path: string) => isLib(path) && PURE_ROOMS.has(roomOf(path) ?? '');

const roomRules: readonly Rule[] = [
  forbidden(
    'pure rooms have no clock, chance, timer, environment or console',
    isPure,
    /\b(?:Date\.now|performance\.|new Date\(\)|Math\.random|crypto\.|set(?:Timeout|Interval|Immediate)\(|queueMicrotask|console\.|process\.|globalThis)/,
  ),
  forbidden(
    'only main, commands, serve and the process metrics touch process',
    (path) =>
      isLib(path) &&
      !inRoom(path, 'main', 'commands', 'serve') &&
      path !== 'lib/workers/thread.ts' && // whose process is the thread
      path !== 'lib/telemetry/process-metrics.ts',
    /(?<![.\w$])process\.\w+/,
  ),
  forbidden(
    'only main and commands have a console',
    (path) => isLib(path) && !inRoom(path, 'main', 'commands'),
    /(?<![.\w$])console\.\w+/,
  ),
  forbidden(
    'only transports call fetch',
    (path) => isLib(path) && !inRoom(path, 'transports'),
    /(?<![.\w$])(?<!function )fetch\(/,
  ),
  forbidden(
    'only the server and the simulator listen',
    (path) => isLib(path) && !inRoom(path, 'server', 'simulator'),
    /\.listen\(/,
  ),
];

const shapeRules: readonly Rule[] = [
  perFile(
    `files have at most ${MAX_FILE_LINES} lines`,
    (path) => isTypeScript(path) || /^(?:bin|bench)\/.*\.js$/.test(path),
    ({ path, text }) => {
      const lines = text.trimEnd().split('\n').length;
      return lines > MAX_FILE_LINES ? [`${path}:${lines}: over ${MAX_FILE_LINES} lines`] : [];
    },
  ),
  perFile(`functions have at most ${MAX_FUNCTION_LINES} lines`, isTypeScript, (file) =>
    functionsOf(file)
      .filter(({ lines }) => lines > MAX_FUNCTION_LINES)
      .map(({ line, head, lines }) => `${file.path}:${line}: ${lines} lines: ${head}`),
  ),
  perFile(`lines have at most ${MAX_COLUMNS} columns`, isTypeScript, ({ path, text }) =>
    text.split('\n').flatMap((line, at) => {
      return [...line].length > MAX_COLUMNS && !isOneLiteral(path, line)
        ? [`${path}:${at + 1}: ${[...line].length} columns`]
        : [];
    }),
  ),
  perFile(
    'a file begins with the question it answers',
    (path) => /^(?:lib|bench|test\/support)\/.*\.ts$/.test(path),
    ({ path, text }) => (/^(?:#!.*\n)?\/\*\*/.test(text) ? [] : [`${path}:1: no header comment`]),
  ),
  perFile(
    'names say what is inside',
    () => true,
    ({ path }) => {
      const bad = /(?:^|[/._-])(?:utils?|helpers?|common|misc|managers?)(?=[/._-]|$)/i.exec(path);
      return bad === null ? [] : [`${path}:1: a name that says nothing: ${bad[0]}`];
    },
  ),
];

const wordRules: readonly Rule[] = [
  forbidden(
    'no notes to self',
    (path) => !isRecorded(path),
    /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/,
    'text',
  ),
  forbidden(
    'no paths of a machine',
    (path) => path !== 'package-lock.json',
    /(?<![\w.$}~-])\/(?:wor[k]\/|roo[t]\/|tm[p]\/bash_jobs|hom[e]\/(?!user\b)[a-z])/,
    'text',
  ),
  forbidden('no any', isTypeScript, /\bas any\b|(?<![\w$.])<any>|:\s*any\b/),
  forbidden('no silenced checks', isTypeScript, /@t[s]-(?:ignore|nocheck)|biome-i[g]nore/, 'text'),
  forbidden(
    'no tests left out',
    isTypeScript,
    /\b(?:test|it|describe|suite|t)\.(?:skip|only|todo)\(/,
  ),
  forbidden('no default exports', (path) => /\.[jt]s$/.test(path), /^export\s+default\b/),
  forbidden(
    'erasable syntax only',
    isTypeScript,
    /^\s*(?:export\s+)?(?:const\s+)?(?:enum|namespace)\s+\w/,
  ),
];

/** What no line break can be put into: a regular expression that stands alone; in tests also a
 *  title, a row of YAML. */
function isOneLiteral(path: string, line: string): boolean {
  const alone = /^\s*\/.+\/[a-z]*[,;]?$/.test(line) || /^\s*\[?\/\^.+\/, '[\w./-]+'\],$/.test(line);
  return alone || (path.startsWith('test/') && !/^\s*(?:\/\/|\/?\*)/.test(line));
}

/** Files that have nothing to be tested on their own: types, tables and the two protocols. */
const HAS_NO_TEST = /\/(?:types|index|translator|limits)\.ts$|^lib\/(?:wire\/|index\.ts$)/;

/** Parts of a machine that are tested through its one door: the files, and the test that drives
 *  them. A line here needs a test that exists. */
const TESTED_THROUGH: readonly (readonly [parts: RegExp, test: string])[] = [
  [
    /^lib\/config\/(?:faults|json-schema|nodes|scalars|unknown-keys)\.ts$/,
    'test/config/schema.test.ts',
  ],
  [/^lib\/config\/read-file\.ts$/, 'test/config/secret-files.test.ts'],
  [/^lib\/config\/resolve\.ts$/, 'test/config/parse.test.ts'],
  [/^lib\/config\/loopback\.ts$/, 'test/guard.test.ts'],
  [/^lib\/exchange\.ts$/, 'test/pipeline.test.ts'],
  [/^lib\/(?:buckets|succession)\.ts$/, 'test/gateway.test.ts'],
  [/^lib\/services\.ts$/, 'test/serve.test.ts'],
  [/^lib\/workers\/(?:expositions|seat|thread)\.ts$/, 'test/workers/supervisor.test.ts'],
  [/^lib\/providers\/(?!.*errors)[\w-]+\.ts$/, 'test/translate/anthropic-openai/request.test.ts'],
  [/^lib\/providers\/[\w-]*errors\.ts$/, 'test/providers/errors.test.ts'],
  [
    /^lib\/quotas\/(?:concurrency|gates|holdings|learned-quotas|lease|table-\w+|window-ring|windows)\.ts$/,
    'test/quotas/quota-table.test.ts',
  ],
  [/^lib\/quotas\/deadline-heap\.ts$/, 'test/quotas/waiting-room.test.ts'],
  [/^lib\/strategies\//, 'test/strategies/strategies.test.ts'],
  [
    /^lib\/transports\/native\/(?:chunk-reader|fields|framing|head-reader|run)\.ts$/,
    'test/transports/native/answer-parser.test.ts',
  ],
  [
    /^lib\/transports\/native(?:\/(?:call|coded-body|connection|plain-body))?\.ts$/,
    'test/transports/conformance.test.ts',
  ],
  [/^lib\/translate\/byte-store\.ts$/, 'test/translate/sse.test.ts'],
  [
    /^lib\/translate\/anthropic-openai\/(?:answer|answer-blocks|choices|faults|frames|ids|loose|name-repair)\.ts$/,
    'test/translate/anthropic-openai/stream.test.ts',
  ],
  [
    /^lib\/translate\/anthropic-openai\/(?:stop-reasons|tool-arguments|tool-calls|usage)\.ts$/,
    'test/translate/anthropic-openai/stream.test.ts',
  ],
];

/** Something that runs: a function, a class, or a constant that is one. */
const LOGIC =
  /^\s*(?:export\s+)?(?:async\s+)?(?:function\b|(?:abstract\s+)?class\b)|=\s*(?:async\s*)?(?:<[^=]*>)?\([^()]*\)(?::[^=]*)?\s*=>/m;

const mirrorRule: Rule = {
  name: 'every file of lib has a test that mirrors it',
  check: (files) => {
    const paths = new Set(files.map(({ path }) => path));
    return files
      .filter(({ path, code }) => isLib(path) && !HAS_NO_TEST.test(path) && LOGIC.test(code))
      .map(({ path }) => [path, path.replace(/^lib\//, 'test/').replace(/\.ts$/, '.test.ts')])
      .filter(([path = '', test = '']) => !paths.has(test) && !isDrivenElsewhere(path, paths))
      .map(([path, test]) => `${path}:1: has no ${test}`);
  },
};

function isDrivenElsewhere(path: string, paths: ReadonlySet<string>): boolean {
  return TESTED_THROUGH.some(([parts, test]) => parts.test(path) && paths.has(test));
}

export const RULES: readonly Rule[] = [
  ...importRules,
  ...roomRules,
  ...shapeRules,
  ...wordRules,
  mirrorRule,
];

export interface FunctionSpan {
  readonly line: number;
  readonly head: string;
  readonly lines: number;
}

const NOT_A_METHOD =
  /^(?:if|for|while|switch|catch|with|return|else|do|try|new|await|throw|yield)\b/;
const METHOD =
  /^(?:(?:public|private|protected|static|async|override|readonly|get|set|abstract)\s+)*\*?[#\w$]+(?:<[^(]*>)?\(/;

/** Functions and methods with their lengths. Relies on the formatter: a body opens at the end of a
 *  line and closes at the first line that is indented alike and begins with its brace. */
export function functionsOf(file: SourceFile): FunctionSpan[] {
  const lines = file.code.split('\n');
  return lines.flatMap((line, at) => {
    if (!/\{\s*$/.test(line)) return [];
    const start = headStart(lines, at);
    const head = lines
      .slice(start, at + 1)
      .join(' ')
      .trim();
    if (!isFunctionHead(head)) return [];
    const end = closingLine(lines, at);
    return [{ line: start + 1, head: (lines[start] ?? '').trim(), lines: end - start + 1 }];
  });
}

const indentOf = (line: string): number => line.search(/\S|$/);

/** A head broken over lines ends in `): T {` at the indentation it began with. */
function headStart(lines: readonly string[], at: number): number {
  const line = lines[at] ?? '';
  if (!/^\s*\)/.test(line)) return at;
  for (let above = at - 1; above >= 0; above--) {
    const candidate = lines[above] ?? '';
    if (candidate.trim() !== '' && indentOf(candidate) <= indentOf(line)) return above;
  }
  return at;
}

function closingLine(lines: readonly string[], at: number): number {
  const indent = indentOf(lines[at] ?? '');
  for (let below = at + 1; below < lines.length; below++) {
    const candidate = lines[below] ?? '';
    if (candidate[indent] === '}' && indentOf(candidate) === indent) return below;
  }
  return lines.length - 1;
}

/** A `describe` is a group of tests, not a function. */
function isFunctionHead(head: string): boolean {
  if (/^describe\(/.test(head)) return false;
  if (/\bfunction\b/.test(head) || /=>\s*\{$/.test(head)) return true;
  return METHOD.test(head) && !NOT_A_METHOD.test(head) && /\)(?:\s*:\s*[^=]+)?\s*\{$/.test(head);
}
