/** Short ways to read a configuration in tests. */
import assert from 'node:assert/strict';
import { ConfigError } from '../../lib/config/faults.ts';
import type { Env } from '../../lib/config/interpolate.ts';
import { parseConfig } from '../../lib/config/parse.ts';
import type { Config } from '../../lib/config/types.ts';

/** A provider that needs nothing from outside; tests put their own keys in front of it. */
export const LOCAL = `
providers:
  - { name: local, endpoint: "http://127.0.0.1:9/v1", models: [glm-4.6, glm-4.5-air] }
`;

/** Parses a good text. */
export function good(text: string, env: Env = {}): Config {
  return parseConfig(text, 'c.yaml', env);
}

/** `line:column: message` of every fault of a bad text. */
export function faultsOf(text: string, env: Env = {}): string[] {
  let caught: unknown;
  try {
    parseConfig(text, 'c.yaml', env);
  } catch (thrown) {
    caught = thrown;
  }
  assert.ok(caught instanceof ConfigError, 'the text is refused');
  assert.ok(caught.faults.every(({ file }) => file === 'c.yaml'));
  return caught.faults.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

/** `line:column: message` of every warning of a good text. */
export function warningsOf(text: string, env: Env = {}): string[] {
  return good(text, env).warnings.map(
    ({ line, column, message }) => `${line}:${column}: ${message}`,
  );
}
