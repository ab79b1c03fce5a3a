/**
 * Where is the state kept while the program does not run? The only file of lib that writes files.
 *
 * Must stay true: a reader finds a whole file or none, whenever the power goes (write, fsync,
 * rename, fsync of the folder); nobody but the user can read it; saving waits for no request and
 * stops none; a file that cannot be used is set aside, never overwritten, and the proxy starts
 * without.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Gateway } from './gateway.ts';
import { MAX_STATE_BYTES, STALE_DRAFT_MS } from './limits.ts';
import { type Memory, type Remembered, recall, remember, revisionOf } from './memory.ts';

const VERSION = 1;
const SALT_BYTES = 16;
const SALT = /^[0-9a-f]{32,256}$/;

interface Saved extends Memory {
  readonly salt: string;
}

export class StateFile {
  readonly #path: string;
  readonly #draft: string;
  #gateway: Gateway;
  #salt = randomBytes(SALT_BYTES).toString('hex');
  readonly #hashes = new Map<string, string>();
  /** As text: thousands of small arrays would take five times the memory for as long as it runs. */
  #unclaimed = '';
  #savedRevision: string;
  #complaint = '';
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `path` may be relative to where the program runs; `pid` is its id, so that two programs with
   *  one file do not write into each other's drafts. */
  constructor(path: string, gateway: Gateway, pid: number) {
    this.#path = path;
    this.#draft = `${path}.tmp-${pid}`;
    this.#gateway = gateway;
    this.#savedRevision = revisionOf(gateway);
  }

  /** Takes what was saved into the gateway, before its first request. False: it starts empty,
   *  because there is no file, or none that can be used: that one is set aside with a warning. */
  load(): boolean {
    this.#removeStaleDrafts();
    try {
      if (statSync(this.#path).size > MAX_STATE_BYTES) throw new Error('it is too large');
      const saved = parse(readFileSync(this.#path));
      this.#salt = saved.salt;
      this.#unclaimed = inJson(recall(this.#gateway, saved, this.#hash));
      return true;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') this.#setAside(thrown);
      return false;
    }
  }

  /** Saves every `everyMs` from now on, when anything has changed. */
  start(everyMs: number): void {
    this.#timer = setInterval(() => {
      this.#writing ??= this.save().finally(() => {
        this.#writing = null;
      });
    }, everyMs).unref();
  }

  /** From now on this gateway is saved, which shares its quotas with the one before. */
  follow(gateway: Gateway): void {
    this.#gateway = gateway;
    this.#hashes.clear();
    this.#savedRevision = '';
  }

  /** Writes the file, unless nothing has changed. Never rejects: what cannot be written is a
   *  warning, once for each reason in a row. */
  async save(): Promise<void> {
    const revision = revisionOf(this.#gateway);
    if (revision === this.#savedRevision) return;
    try {
      await writeWhole(this.#path, this.#draft, this.#render());
      this.#savedRevision = revision;
      this.#complaint = '';
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      if (error === this.#complaint) return;
      this.#complaint = error;
      this.#gateway.log.warn('state not saved', { file: this.#path, error });
    }
  }

  /** Saves once more and stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.save();
  }

  #render(): string {
    const { buckets, calibrations } = remember(this.#gateway, this.#hash);
    const all = [this.#unclaimed, inJson(buckets)].filter((text) => text !== '');
    const head = JSON.stringify({
      version: VERSION,
      salt: this.#salt,
      saved_at: new Date(this.#gateway.nowMs()).toISOString(),
      calibrations,
    });
    return `${head.slice(0, -1)},"buckets":[${all.join(',')}]}\n`;
  }

  /** Remembered, since the marks are the same each time. */
  readonly #hash = (mark: string): string => {
    let hash = this.#hashes.get(mark);
    if (hash === undefined) {
      hash = createHash('sha256').update(this.#salt).update('\n').update(mark).digest('base64url');
      this.#hashes.set(mark, hash);
    }
    return hash;
  };

  #setAside(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown.message : String(thrown);
    const stamp = new Date(this.#gateway.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    const aside = `${this.#path}.corrupt-${stamp}`;
    const { log } = this.#gateway;
    try {
      if (!statSync(this.#path).isFile()) throw new Error('not a file');
      renameSync(this.#path, aside);
      log.warn('state file cannot be used, starting without', { file: this.#path, error, aside });
    } catch {
      log.warn('state file cannot be used, starting without', { file: this.#path, error });
    }
  }

  #removeStaleDrafts(): void {
    const folder = dirname(this.#path);
    const start = `${basename(this.#path)}.tmp-`;
    try {
      for (const name of readdirSync(folder)) {
        if (!name.startsWith(start)) continue;
        const draft = join(folder, name);
        const { mtimeMs } = statSync(draft);
        if (this.#gateway.nowMs() - mtimeMs > STALE_DRAFT_MS) rmSync(draft, { force: true });
      }
    } catch {
      // No folder yet, or not ours: they are in nobody's way.
    }
  }
}

/** Without the brackets. */
const inJson = (list: readonly Remembered[]): string => JSON.stringify(list).slice(1, -1);

/** Throws on what is not a state of this version. */
function parse(bytes: Buffer): Saved {
  const saved: unknown = JSON.parse(bytes.toString('utf8'));
  const { version, salt, buckets, calibrations } = (saved ?? {}) as Readonly<
    Record<string, unknown>
  >;
  if (version !== VERSION) throw new Error(`it is not a state of version ${VERSION}`);
  if (typeof salt !== 'string' || !SALT.test(salt)) throw new Error('it has no salt');
  if (!Array.isArray(buckets)) throw new Error('it has no buckets');
  return {
    salt,
    buckets: buckets.filter(isRemembered),
    calibrations: isObject(calibrations) ? calibrations : {},
  };
}

/** The fields inside are looked at one by one, when they are used. */
function isRemembered(value: unknown): value is Remembered {
  if (!isObject(value) || !isObject(value.state) || !Array.isArray(value.of)) return false;
  if (value.why !== undefined && !isObject(value.why)) return false;
  return value.of.every((hash) => typeof hash === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const OWNER_ONLY = { file: 0o600, folder: 0o700 } as const;

async function writeWhole(path: string, draft: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY.folder });
  await rm(draft, { force: true });
  try {
    const file = await open(draft, 'wx', OWNER_ONLY.file);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => {});
    throw thrown;
  }
  await syncFolder(folder);
}

/** So that the new name outlives a power cut. Not every file system can do it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is whole in any case; at worst the earlier one is found.
  }
}
