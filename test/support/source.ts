/**
 * The project's own files as text, and TypeScript as bare code: comments, strings and regular
 * expressions blanked, every line and column where it was. Good enough to find words and braces.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** For .ts and .js: `text` with everything blanked that is not code. */
  readonly code: string;
}

const BINARY = /\.(?:png|ico|gz|tgz|bin)$/;
const UNTRACKED = new Set(['.git', 'node_modules', 'dist', '.cache', 'cooldown-proxy']);

/** All files that git tracks or would track; without git, all that are not known leftovers. */
export function projectFiles(): SourceFile[] {
  return listPaths()
    .filter((path) => !BINARY.test(path))
    .flatMap((path) => {
      const text = readIfThere(path);
      return text === undefined ? [] : [sourceFile(path, text)];
    });
}

export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, code: /\.[jt]s$/.test(path) ? blank(text) : text };
}

function listPaths(): string[] {
  try {
    const args = ['ls-files', '-z', '-co', '--exclude-standard'];
    const out = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
    const paths = out.split('\0').filter((path) => path !== '');
    return paths.length > 0 ? paths : walk('');
  } catch {
    return walk('');
  }
}

function walk(folder: string): string[] {
  return readdirSync(ROOT + folder, { withFileTypes: true }).flatMap((entry) => {
    if (UNTRACKED.has(entry.name)) return [];
    const path = `${folder}${entry.name}`;
    return entry.isDirectory() ? walk(`${path}/`) : entry.isFile() ? [path] : [];
  });
}

/** Undefined for a file that is gone (deleted, but still tracked). */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(ROOT + path, 'utf8');
  } catch {
    return undefined;
  }
}

/** One token after the other: comment, string, template piece, regular expression, or code. */
const TOKEN = new RegExp(
  [
    String.raw`(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<string>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")`,
    String.raw`(?<template>\x60(?:[^\x60\\$]|\\[\s\S]|\$(?!\{))*(?:\x60|\$\{))`,
    String.raw`(?<regex>\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*)`,
    String.raw`(?<word>[\w$]+)`,
    String.raw`(?<other>[\s\S])`,
  ].join('|'),
  'y',
);
const TEMPLATE_REST = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;

/** Words and signs after which a `/` starts a regular expression. */
const BEFORE_REGEX = /(?:^|[([{,;=:?!&|+\-*%<>~^]|=>|\b(?:return|typeof|case|of|in))$/;

/** Blanks everything that is not code; quotes, `${` and line ends stay where they are. */
export function blank(text: string): string {
  const depths: number[] = []; // for each open template: the braces open inside its `${`
  let code = '';
  let before = ''; // the last token that is neither space nor comment
  for (let at = 0; at < text.length; ) {
    const inTemplate = depths.at(-1) === 0 && text[at] === '}';
    const { kind, token } = inTemplate ? templateRest(text, at) : nextToken(text, at, before);
    code += kind === 'code' ? token : blankToken(kind, token);
    if (inTemplate) depths.pop();
    if (kind === 'template' && token.endsWith('${')) depths.push(0);
    else if (depths.length > 0) countBraces(depths, kind, token);
    if (kind !== 'comment' && token.trim() !== '') before = token;
    at += token.length;
  }
  return code;
}

type Kind = 'comment' | 'string' | 'template' | 'regex' | 'code';

function countBraces(depths: number[], kind: Kind, token: string): void {
  const change = kind !== 'code' ? 0 : token === '{' ? 1 : token === '}' ? -1 : 0;
  depths[depths.length - 1] = (depths.at(-1) ?? 0) + change;
}

function templateRest(text: string, at: number): { kind: Kind; token: string } {
  TEMPLATE_REST.lastIndex = at + 1;
  return { kind: 'template', token: `}${TEMPLATE_REST.exec(text)?.[0] ?? ''}` };
}

function nextToken(text: string, at: number, before: string): { kind: Kind; token: string } {
  TOKEN.lastIndex = at;
  const groups = TOKEN.exec(text)?.groups ?? {};
  for (const kind of ['comment', 'string', 'template'] as const) {
    const token = groups[kind];
    if (token !== undefined) return { kind, token };
  }
  if (groups.regex !== undefined) {
    return BEFORE_REGEX.test(before)
      ? { kind: 'regex', token: groups.regex }
      : { kind: 'code', token: '/' };
  }
  return { kind: 'code', token: groups.word ?? groups.other ?? '' };
}

function blankToken(kind: Kind, token: string): string {
  const blanked = token.replace(/[^\n]/g, ' ');
  if (kind === 'comment') return blanked;
  const open = token.startsWith('}') ? '}' : token[0];
  const tail = token.endsWith('${') ? '${' : kind === 'regex' ? '/' : (token.at(-1) ?? '');
  return open + blanked.slice(1, token.length - tail.length) + tail;
}
