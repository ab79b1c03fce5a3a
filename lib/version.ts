/** The version of the program: package.json is the one place that says it. */
import { createRequire } from 'node:module';

/** The package stands one folder above lib/ in the sources and two above it in dist/. */
function readVersion(): string {
  const require = createRequire(import.meta.url);
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = require(path) as { name?: unknown; version?: unknown };
      if (name === 'cooldown-proxy' && typeof version === 'string') return version;
    } catch {
      // Not at this depth.
    }
  }
  return '0.0.0';
}

export const VERSION = readVersion();
