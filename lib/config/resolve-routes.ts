/** Which model a claude-* tier or a rule leads to, and who serves it. */
import { MAX_MODEL_NAME_CHARS } from '../limits.ts';
import type { Place } from './faults.ts';
import type { RawConfig } from './schema.ts';
import type { Config, ModelRule, ProviderConfig } from './types.ts';
import type { Reading } from './validate.ts';

const FALLBACK = { haiku: 'glm-4.5-air', sonnet: 'glm-4.6', opus: 'glm-4.6' } as const;
const TIERS = ['haiku', 'sonnet', 'opus'] as const;

/** The tiers: what the file says, else ANTHROPIC_DEFAULT_*_MODEL, else the guide's models. */
export function resolveTiers(raw: RawConfig['environment_models'], x: Reading): Config['tiers'] {
  const of = (tier: (typeof TIERS)[number]): string => {
    const variable = x.env[`ANTHROPIC_DEFAULT_${tier.toUpperCase()}_MODEL`];
    return raw[tier]?.trim() || variable?.trim() || FALLBACK[tier];
  };
  const fallback = raw.default.trim();
  return { haiku: of('haiku'), sonnet: of('sonnet'), opus: of('opus'), default: fallback };
}

/** The rules of `models:` in the order of the file, patterns in lower case. */
export function resolveRules(raw: RawConfig['models'], x: Reading): readonly ModelRule[] {
  const seen = new Set<string>();
  return raw.map(({ key, value }, index) => {
    const rule = { pattern: key.trim().toLowerCase(), target: value.trim() };
    const at = x.places.of(raw, index);
    if (rule.pattern === '' || rule.pattern.length > MAX_MODEL_NAME_CHARS) {
      x.faults.error(at, 'a pattern is 1 to 256 characters');
    }
    if (rule.target === '') x.faults.error(at, `the rule "${rule.pattern}" names no model`);
    if (seen.has(rule.pattern)) {
      x.faults.error(at, `"${rule.pattern}" was already given: letter case does not count`);
    }
    seen.add(rule.pattern);
    return rule;
  });
}

/** The providers that serve a target (`model`, or `provider/model`), in order of preference. A
 *  model id with a slash in it wins over a pin. Disabled providers are among them. */
export function servers(
  target: string,
  providers: readonly ProviderConfig[],
): readonly ProviderConfig[] {
  const direct = providers.filter((provider) => serves(provider, target));
  if (direct.length > 0) return direct;
  const slash = target.indexOf('/');
  const [name, model] = [target.slice(0, Math.max(0, slash)), target.slice(slash + 1)];
  return providers.filter((provider) => sameName(provider.name, name) && serves(provider, model));
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const serves = (provider: ProviderConfig, model: string): boolean =>
  provider.models.some(({ id }) => sameName(id, model));

/** Warns of every tier and rule that leads nowhere: in use it will be a 404. */
export function checkTargets(
  raw: RawConfig,
  config: Pick<Config, 'tiers' | 'modelRules' | 'providers'>,
  x: Reading,
): void {
  const { tiers, modelRules, providers } = config;
  for (const tier of [...TIERS, 'default'] as const) {
    const at = x.places.of(raw.environment_models, tier);
    if (tiers[tier] !== '') checkTarget(tiers[tier], at, providers, x);
  }
  for (const [index, rule] of modelRules.entries()) {
    if (rule.target === '') continue;
    checkTarget(rule.target, x.places.of(raw.models, index), providers, x);
  }
}

function checkTarget(
  target: string,
  at: Place,
  providers: readonly ProviderConfig[],
  x: Reading,
): void {
  const found = servers(target, providers);
  if (found.some(({ keys }) => keys.length > 0)) return;
  if (found.length > 0) {
    const names = found.map(({ name }) => name).join(', ');
    x.faults.warn(at, `"${target}" is served by disabled providers only: ${names}`);
  } else {
    x.faults.warn(at, `no provider serves "${target}": ${whyNot(target, providers)}`);
  }
}

function whyNot(target: string, providers: readonly ProviderConfig[]): string {
  const [name = ''] = target.split('/', 1);
  const pinned = providers.find((provider) => sameName(provider.name, name));
  if (!target.includes('/')) return 'requests for it get a 404';
  return pinned === undefined
    ? `there is no provider "${name}"`
    : `provider "${pinned.name}" does not list that model`;
}
