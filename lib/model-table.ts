/**
 * Which providers serve the model that a client asks for? Compiled from the configuration once;
 * answers are remembered per asked name (bounded, since clients choose the names).
 *
 * Order of SURFACE §3: rules (exact and globs, first match wins), then an id that some provider
 * lists, then `provider/model`, then the tier words anywhere in the id, then the default.
 */
import type { Config, ProviderConfig } from './config/types.ts';
import { GatewayError } from './errors.ts';
import { MAX_CACHED_MODELS, MAX_MODEL_NAME_CHARS } from './limits.ts';
import type { ModelFacts } from './providers/types.ts';

/** One provider that serves the model; `provider` indexes `config.providers`. */
export interface Candidate {
  readonly provider: number;
  readonly model: ModelFacts;
}

export interface ModelRoute {
  /** The configured model id, for metrics and for reasoning injection. */
  readonly modelId: string;
  /** In order of preference; never empty. */
  readonly candidates: readonly Candidate[];
}

/** Output tokens that a client wants of a model: what it asked for (0 = nothing) as far as the
 *  model can give it, else all of that; 0 = neither is known. */
export function outputWanted({ maxOutputTokens }: ModelFacts, asked: number): number {
  return asked > 0 && (maxOutputTokens === 0 || asked < maxOutputTokens) ? asked : maxOutputTokens;
}

/** Tokens that a provider counts when a request comes: the prompt, and the output wanted as far as
 *  it reserves any (`capTokens`; 0 = all of it). */
export function tokensUpFront(
  model: ModelFacts,
  capTokens: number,
  promptTokens: number,
  asked: number,
): number {
  const output = outputWanted(model, asked);
  if (capTokens === 0) return promptTokens + output;
  return promptTokens + (output === 0 ? capTokens : Math.min(capTokens, output));
}

export interface ModelTable {
  /** Throws MODEL_NOT_FOUND, naming the models that exist, or FORBIDDEN. */
  find(asked: string): ModelRoute;
  /** The same without a word: undefined where `find` would throw. */
  look(asked: string): ModelRoute | undefined;
  /** Ids to list, each once, in the order of the file. */
  readonly ids: readonly string[];
}

const CONTEXT_SUFFIX = /\[\s*1m\s*\]$/;

/** Tier words in the order in which they are looked for (SURFACE §3, "Tier of an id"). */
const TIER_WORDS = [
  ['haiku', 'haiku'],
  ['sonnet', 'sonnet'],
  ['opus', 'opus'],
  ['fable', 'opus'],
  ['mythos', 'opus'],
] as const;

export function compileModels(config: Config): ModelTable {
  const listed = listModels(config.providers);
  const rules = config.modelRules.map((rule) => ({
    matches: globMatcher(rule.pattern),
    target: rule.target,
  }));
  const resolve = (asked: string): ModelRoute | undefined => {
    const id = bareId(asked);
    const rule = rules.find((candidate) => candidate.matches(id));
    if (rule !== undefined) return lookUp(rule.target, listed, config.providers);
    return lookUp(id, listed, config.providers) ?? byTier(id, config, listed);
  };
  const ids = [...new Set([...listed.values()].map((route) => route.modelId))];
  const look = remembering(resolve);
  return { ids, look, find: (asked) => look(asked) ?? raise(unknownModel(asked, ids)) };
}

/** As names are compared: letter case and a trailing `[1m]` do not count. */
function bareId(asked: string): string {
  return asked.trim().toLowerCase().replace(CONTEXT_SUFFIX, '').trim();
}

/** The part of `table` that a client may use: names that fit one of its ids or globs (lower-case),
 *  and those that lead to a configured model that does. `find` throws FORBIDDEN for all others. */
export function restrictModels(
  table: ModelTable,
  patterns: readonly string[],
  client: string,
): ModelTable {
  const matchers = patterns.map(globMatcher);
  const isAllowed = (id: string) => matchers.some((matches) => matches(id));
  const ids = table.ids.filter((id) => isAllowed(id.toLowerCase()));
  const look = (asked: string): ModelRoute | undefined => {
    const route = table.look(asked);
    if (route === undefined || isAllowed(bareId(asked))) return route;
    return isAllowed(route.modelId.toLowerCase()) ? route : undefined;
  };
  const refusal = (asked: string) =>
    isAllowed(bareId(asked)) ? unknownModel(asked, ids) : forbiddenModel(asked, client, patterns);
  return { ids, look, find: (asked) => look(asked) ?? raise(refusal(asked)) };
}

function raise(error: GatewayError): never {
  throw error;
}

/** Every listed id (lower-case) with its providers; a provider without keys does not count. */
function listModels(providers: readonly ProviderConfig[]): Map<string, ModelRoute> {
  const listed = new Map<string, { modelId: string; candidates: Candidate[] }>();
  providers.forEach((provider, index) => {
    if (provider.keys.length === 0) return;
    for (const model of provider.models) {
      const id = model.id.toLowerCase();
      const route = listed.get(id) ?? { modelId: model.id, candidates: [] };
      route.candidates.push({ provider: index, model });
      listed.set(id, route);
    }
  });
  return listed;
}

/** A model id, or `provider/model`. An id that has a slash of its own is tried as it is first. */
function lookUp(
  target: string,
  listed: ReadonlyMap<string, ModelRoute>,
  providers: readonly ProviderConfig[],
): ModelRoute | undefined {
  const id = target.toLowerCase();
  const found = listed.get(id);
  if (found !== undefined) return found;
  const slash = id.indexOf('/');
  if (slash < 0) return undefined;
  const provider = providers.findIndex((known) => known.name.toLowerCase() === id.slice(0, slash));
  const route = provider < 0 ? undefined : listed.get(id.slice(slash + 1));
  const candidate = route?.candidates.find((known) => known.provider === provider);
  if (route === undefined || candidate === undefined) return undefined;
  return { modelId: route.modelId, candidates: [candidate] };
}

function byTier(
  id: string,
  config: Config,
  listed: ReadonlyMap<string, ModelRoute>,
): ModelRoute | undefined {
  const word = TIER_WORDS.find(([known]) => id.includes(known));
  const target = word === undefined ? config.tiers.default : config.tiers[word[1]];
  return target === '' ? undefined : lookUp(target, listed, config.providers);
}

/** `*` matches any run of characters, everything else itself. */
function globMatcher(pattern: string): (id: string) => boolean {
  if (!pattern.includes('*')) return (id) => id === pattern;
  const source = pattern.split('*').map(escapeRegExp).join('.*');
  const expression = new RegExp(`^${source}$`, 's');
  return (id) => expression.test(id);
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function remembering(
  resolve: (asked: string) => ModelRoute | undefined,
): (asked: string) => ModelRoute | undefined {
  const known = new Map<string, ModelRoute>();
  return (asked) => {
    const remembered = known.get(asked);
    if (remembered !== undefined) return remembered;
    const route = asked.length > MAX_MODEL_NAME_CHARS ? undefined : resolve(asked);
    if (route === undefined) return undefined;
    if (known.size >= MAX_CACHED_MODELS) known.clear();
    known.set(asked, route);
    return route;
  };
}

function unknownModel(asked: string, ids: readonly string[]): GatewayError {
  const name = asked.slice(0, MAX_MODEL_NAME_CHARS);
  const models = ids.length === 0 ? 'none: no provider has a key' : ids.join(', ');
  return new GatewayError(
    'MODEL_NOT_FOUND',
    `No provider found for model ${JSON.stringify(name)}. Models that exist: ${models}`,
    { param: 'model' },
  );
}

function forbiddenModel(asked: string, client: string, patterns: readonly string[]): GatewayError {
  const name = asked.slice(0, MAX_MODEL_NAME_CHARS);
  return new GatewayError(
    'FORBIDDEN',
    `Client "${client}" may not use model ${JSON.stringify(name)}, only ${patterns.join(', ')}`,
    { param: 'model' },
  );
}
