/**
 * What is profiled? The sources, compiled as `make build` does but with source maps, in
 * .cache/profile: a profile then names lines of lib, and dist/ stays what is published.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Compiled {
  /** The program, to be started with Node. */
  readonly program: string;
  /** The process of one micro case. */
  readonly microProcess: string;
}

const CONFIGURATION = {
  extends: '../../tsconfig.build.json',
  compilerOptions: { rootDir: '../..', outDir: './dist', sourceMap: true, declaration: false },
  include: ['../../lib', '../../bench/micro', '../../bench/micro-process.ts'],
};

/** `root`: a folder of the project. Throws when it does not compile; the benches need not fit the
 *  types of an older `lib` in which they are run. */
export function compileWithMaps(root: string, types?: 'whatever the types'): Compiled {
  const folder = join(root, '.cache/profile');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(CONFIGURATION));
  const compiler = join(root, 'node_modules/.bin/tsc');
  const stdio = types === undefined ? 'inherit' : 'ignore';
  try {
    execFileSync(compiler, ['-p', join(folder, 'tsconfig.json')], { stdio });
  } catch (thrown) {
    if (types === undefined || !existsSync(join(folder, 'dist/lib/main.js'))) throw thrown;
  }
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  const fixtures = join(folder, 'dist/test');
  if (!existsSync(fixtures)) symlinkSync(join(root, 'test'), fixtures);
  return {
    program: join(folder, 'bin/cooldown-proxy.js'),
    microProcess: join(folder, 'dist/bench/micro-process.js'),
  };
}
