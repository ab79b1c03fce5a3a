/**
 * What is compared? The revision BASE, and the work tree as it is, uncommitted changes included:
 * each in a temporary worktree of its own, so that nothing moves while it is measured.
 *
 * Must stay true: the worktrees are gone afterwards, whatever happened; the repository is left as
 * it was found. Both sides are measured by the benches of the work tree.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Revisions {
  /** Folders of the two checkouts. */
  readonly before: string;
  readonly now: string;
  /** The commit that BASE names. */
  readonly base: string;
  remove(): void;
}

/** A commit has an author, also where nobody has told git who that is. */
const AUTHOR = ['-c', 'user.name=gate', '-c', 'user.email=gate@localhost'];

/** `root`: the folder of the project. Throws a RangeError when `base` names no commit. */
export function checkOut(root: string, base: string): Revisions {
  const git = (...args: string[]) =>
    execFileSync('git', [...AUTHOR, ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  const commit = resolved(git, base);
  const folder = mkdtempSync(join(tmpdir(), 'cooldown-gate-'));
  const [before, now] = [join(folder, 'before'), join(folder, 'now')];
  const remove = () => {
    process.off('exit', remove);
    rmSync(folder, { recursive: true, force: true });
    git('worktree', 'prune');
  };
  process.once('exit', remove);
  try {
    git('worktree', 'add', '--quiet', '--detach', before, commit);
    // A commit of all changes to known files, which no branch and no stash knows; '' without any.
    git('worktree', 'add', '--quiet', '--detach', now, git('stash', 'create') || 'HEAD');
    const unknown = git('ls-files', '-z', '--others', '--exclude-standard').split('\0');
    for (const path of unknown.filter((each) => each !== '')) copy(root, now, path);
    rmSync(join(before, 'bench'), { recursive: true, force: true });
    cpSync(join(now, 'bench'), join(before, 'bench'), { recursive: true });
    for (const side of [before, now]) {
      symlinkSync(join(root, 'node_modules'), join(side, 'node_modules'));
    }
    return { before, now, base: commit, remove };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

function resolved(git: (...args: string[]) => string, base: string): string {
  try {
    return git('rev-parse', '--verify', '--quiet', `${base}^{commit}`);
  } catch {
    throw new RangeError(`BASE=${base} names no commit of this repository`);
  }
}

function copy(from: string, to: string, path: string): void {
  if (!existsSync(join(from, path))) return;
  mkdirSync(dirname(join(to, path)), { recursive: true });
  cpSync(join(from, path), join(to, path), { recursive: true });
}
