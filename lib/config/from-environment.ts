/** A configuration without a file: built-in presets for the provider keys in the environment. */
import { PRESETS } from '../providers/index.ts';
import type { Preset } from '../providers/types.ts';
import type { Env } from './interpolate.ts';
import { parseConfig } from './parse.ts';
import type { Overrides } from './resolve-server.ts';
import type { Config } from './types.ts';

/** In this order a model is looked for when several are set; the first one gives the tiers. */
const ORDER = ['cerebras', 'zhipu', 'zai'] as const satisfies readonly Preset['name'][];

/**
 * The configuration that `CEREBRAS_API_KEY[_N]`, `ZHIPU_API_KEY[_N]` and `ZAI_API_KEY[_N]` ask for,
 * or undefined when none is set. Its `source` is `environment`.
 *
 * @throws ConfigError when a key or an override cannot be used.
 */
export function presetConfig(env: Env, overrides: Overrides = {}): Config | undefined {
  const found = ORDER.map((name) => ({ name, variables: keyVariables(PRESETS[name], env) })).filter(
    ({ variables }) => variables.length > 0,
  );
  const first = found[0];
  if (first === undefined) return undefined;
  const tiers = Object.entries(PRESETS[first.name].tiers ?? {}).map(([tier, model]) => {
    return [tier, `\${ANTHROPIC_DEFAULT_${tier.toUpperCase()}_MODEL:${model}}`];
  });
  const providers = found.map(({ name, variables }) => ({
    name,
    load_balancing: { api_keys: variables.map((variable) => `\${${variable}}`) },
  }));
  // JSON is YAML: the same road as a file, with the same checks.
  const text = JSON.stringify({ environment_models: Object.fromEntries(tiers), providers });
  return parseConfig(text, 'environment', env, overrides);
}

/** NAME, then NAME_1, NAME_2 … by number; each secret once. */
function keyVariables(preset: Preset, env: Env): readonly string[] {
  const base = preset.keyVariable;
  if (base === undefined) return [];
  const numbered = Object.keys(env)
    .filter((name) => name.startsWith(`${base}_`) && /^\d{1,6}$/.test(name.slice(base.length + 1)))
    .sort((a, b) => Number(a.slice(base.length + 1)) - Number(b.slice(base.length + 1)));
  const secrets = new Set<string>();
  return [base, ...numbered].filter((name) => {
    const secret = env[name]?.trim() ?? '';
    return secret !== '' && !secrets.has(secret) && secrets.add(secret);
  });
}
