/** The committed inputs of a target: test/corpus/<target>/, a file each; all are replayed by tests. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Entry {
  readonly file: string;
  readonly bytes: Buffer;
}

const folderOf = (target: string) =>
  fileURLToPath(new URL(`../corpus/${target}/`, import.meta.url));

/** In name order; none where there is no folder yet. */
export function readCorpus(target: string): Entry[] {
  const folder = folderOf(target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => ({ file, bytes: readFileSync(folder + file) }));
}

/** Where an input that failed is put; the name is that of its bytes. */
export function fileOf(target: string, bytes: Buffer): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  return `${folderOf(target)}found-${digest}.bin`;
}

export function save(target: string, bytes: Buffer): string {
  mkdirSync(folderOf(target), { recursive: true });
  const file = fileOf(target, bytes);
  writeFileSync(file, bytes);
  return file;
}
