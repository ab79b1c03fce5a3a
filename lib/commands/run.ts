/** `cooldown-proxy run`: configuration -> a listening proxy, until a signal ends it. */
import { ConfigError, findConfig, loadConfig, presetConfig } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import type { Options } from '../main.ts';
import { renderFaults } from './check.ts';
import { demo } from './demo.ts';
import { serve } from './serve.ts';

const NOTHING_CONFIGURED = `cooldown-proxy: no configuration and no provider key was found. Three ways to start:

  cooldown-proxy demo                      try it on the embedded simulator, no key needed
  CEREBRAS_API_KEY=… cooldown-proxy        or ZHIPU_API_KEY, ZAI_API_KEY: built-in presets
  cooldown-proxy -config config.yaml       your own file; config/minimal.yaml is a start
`;

/** Resolves to the exit code: 0, 1 (bad configuration), 2 (nothing to run), 3 (address taken). */
export async function run(options: Options): Promise<number> {
  const overrides = { port: options.port, bindAddress: options.bind };
  let config: Config | undefined;
  try {
    const path = findConfig(options.config, process.env, process.cwd());
    config =
      path === undefined
        ? presetConfig(process.env, overrides)
        : loadConfig(path, process.env, overrides);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${renderFaults(thrown.faults)}\n`);
    return 1;
  }
  if (config !== undefined) return await serve(config);
  if (options.orDemo) return await demo(options);
  process.stderr.write(NOTHING_CONFIGURED);
  return 2;
}
