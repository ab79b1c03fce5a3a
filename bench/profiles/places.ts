/** Where does a function of a profile stand? Compiled files with source maps -> `lib/x.ts:12`. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallFrame } from './cpu-profile.ts';

/** Looks places up, each source map read once. `root` is the folder that paths are relative to. */
export class Places {
  readonly #root: string;
  readonly #maps = new Map<string, SourceMap | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  /** `lib/x.ts:12`, `node:net:120`, or `native` for what V8 or the C++ of Node did. */
  of({ url, lineNumber, columnNumber }: CallFrame): string {
    if (url === '') return 'native';
    if (!url.startsWith('file:')) return `${url}:${lineNumber + 1}`;
    const file = fileURLToPath(url);
    const entry = this.#map(file)?.findEntry(lineNumber, columnNumber);
    if (entry === undefined || !('originalSource' in entry)) {
      return `${relative(this.#root, file)}:${lineNumber + 1}`;
    }
    const source = fileURLToPath(new URL(entry.originalSource, url));
    return `${relative(this.#root, source)}:${entry.originalLine + 1}`;
  }

  #map(file: string): SourceMap | undefined {
    if (!this.#maps.has(file)) {
      const map = existsSync(`${file}.map`)
        ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
        : undefined;
      this.#maps.set(file, map);
    }
    return this.#maps.get(file);
  }
}
