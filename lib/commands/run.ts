/** `cooldown-proxy run`: configuration -> a listening proxy, until a signal ends it. */
import { ConfigError } from '../config/faults.ts';
import { presetConfig } from '../config/from-environment.ts';
import { findConfig, loadConfig } from '../config/load.ts';
import { serve } from '../serve.ts';
import { WatchedFile } from '../watch.ts';
import type { Options } from './types.ts';

/** Resolves to the exit code: 0, 1 (bad configuration), 3 (address taken), or what `otherwise`
 *  gives when there is nothing to run. */
export async function run(options: Options, otherwise: () => Promise<number>): Promise<number> {
  const overrides = { port: options.port, bindAddress: options.bind };
  const { env } = process;
  try {
    const path = findConfig(options.config, env, process.cwd());
    if (path !== undefined) {
      const watched = new WatchedFile(path);
      const load = () => loadConfig(path, env, overrides);
      return await serve(load(), { reload: load, watched });
    }
    const config = presetConfig(env, overrides);
    return config === undefined ? await otherwise() : await serve(config, { reload: () => config });
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 1;
  }
}
