/** Who is played, for whom, with which models and limits? The options, defaults filled in. */
import { createHash } from 'node:crypto';
import type { SimulatorLimits } from './limiter.ts';
import { SIMULATOR_LOG_ENTRIES } from './limits.ts';
import type { FixedAnswers, SimulatorDialect, SimulatorModel, SimulatorOptions } from './types.ts';

export type ServedModel = Required<Omit<SimulatorModel, 'limits'>>;

/** Whose request it is. `owner` is what limits are kept by: the org, or the key for zhipu. */
export interface Identity {
  readonly label: string;
  readonly org: string;
  readonly owner: string;
}

export interface Settings {
  readonly dialect: SimulatorDialect;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly anyModel: boolean;
  readonly strict: boolean;
  readonly rateHeaders: boolean;
  readonly resetStyle: 'full' | 'calendar';
  readonly retryAfter: boolean;
  readonly usage: 'always' | 'asked' | 'never';
  readonly tokensPerSecond: number;
  readonly firstTokenMs: number;
  readonly outputTokens: number;
  readonly fixed: FixedAnswers | undefined;
  readonly clock: () => number;
  readonly keepBodies: boolean;
  readonly logEntries: number;
  /** Whether any limit was given at all. */
  readonly limited: boolean;
  limitsOf(owner: string, model: string): SimulatorLimits;
  /** The identity behind an `authorization` header, or undefined: 401. */
  identify(authorization: string | undefined): Identity | undefined;
}

const facts = (id: string, contextWindow: number, maxOutputTokens: number, vision = false) => ({
  id,
  contextWindow,
  maxOutputTokens,
  vision,
});

// WIRE.md §E.1, §F.2. The GLM names left the shared Cerebras endpoints; dedicated ones have them.
const USUAL_MODELS: Readonly<Record<SimulatorDialect, readonly ServedModel[]>> = {
  cerebras: [
    facts('gpt-oss-120b', 131_072, 40_960),
    facts('qwen-3.8-27b', 131_072, 40_960, true),
    ...['zai-glm-4.7', 'zai-glm-4.6', 'glm-4.7', 'glm-4.6', 'glm-4.5-air'].map((id) =>
      facts(id, 131_072, 40_960),
    ),
  ],
  zhipu: [
    ...['glm-5.3', 'glm-5.2'].map((id) => facts(id, 1_000_000, 131_072)),
    ...['glm-5.1', 'glm-5', 'glm-4.7', 'glm-4.6'].map((id) => facts(id, 200_000, 131_072)),
    ...['glm-4.5', 'glm-4.5-air', 'glm-4.5-flash'].map((id) => facts(id, 128_000, 98_304)),
    facts('glm-4.6v', 128_000, 32_768, true),
    facts('glm-4.5v', 64_000, 16_384, true),
  ],
};

const UNKNOWN_WINDOW_TOKENS = 131_072;
const UNKNOWN_OUTPUT_TOKENS = 40_960;

function served(model: string | SimulatorModel, dialect: SimulatorDialect): ServedModel {
  const { id, ...given } = typeof model === 'string' ? { id: model } : model;
  const usual =
    USUAL_MODELS[dialect].find((one) => one.id === id) ??
    facts(id, UNKNOWN_WINDOW_TOKENS, UNKNOWN_OUTPUT_TOKENS);
  return { ...usual, ...given };
}

/** What an unlisted name gets where `*` is served. */
export const unlisted = (id: string, dialect: SimulatorDialect): ServedModel => served(id, dialect);

export function settle(options: SimulatorOptions): Settings {
  const dialect = options.dialect ?? 'cerebras';
  const listed: readonly (string | SimulatorModel)[] = options.models ?? USUAL_MODELS[dialect];
  const models = listed.map((model) => served(model, dialect)).filter(({ id }) => id !== '*');
  const keys = options.keys ?? [];
  return {
    dialect,
    models: new Map(models.map((model) => [model.id, model])),
    anyModel: listed.includes('*'),
    strict: options.strict ?? true,
    rateHeaders: options.rateHeaders ?? dialect === 'cerebras',
    resetStyle: options.resetStyle ?? 'full',
    retryAfter: options.retryAfter ?? false,
    usage: options.usage ?? 'always',
    tokensPerSecond: options.tokensPerSecond ?? 0,
    firstTokenMs: options.firstTokenMs ?? 0,
    outputTokens: options.outputTokens ?? 0,
    fixed: options.fixed,
    clock: options.clock ?? Date.now,
    keepBodies: options.keepBodies ?? false,
    logEntries: options.logEntries ?? SIMULATOR_LOG_ENTRIES,
    limited: hasLimits(options),
    limitsOf: limitsOf(options, dialect),
    identify: keys.length === 0 ? anybody(dialect) : somebody(options, dialect),
  };
}

function hasLimits(options: SimulatorOptions): boolean {
  const { keys = [], models = [] } = options;
  const own = models.some((model) => typeof model !== 'string' && model.limits !== undefined);
  const general = Object.keys(generalLimits(options)).length > 0;
  return general || own || keys.some((key) => key.limits !== undefined);
}

function generalLimits(options: SimulatorOptions): SimulatorLimits {
  const { requestsPerMinute, tokensPerMinute, totalTokensPerMinute } = options;
  const { requestsPerDay, tokensPerDay, concurrent, window } = options;
  return {
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
    ...(totalTokensPerMinute === undefined ? {} : { totalTokensPerMinute }),
    ...(requestsPerDay === undefined ? {} : { requestsPerDay }),
    ...(tokensPerDay === undefined ? {} : { tokensPerDay }),
    ...(concurrent === undefined ? {} : { concurrent }),
    ...(window === undefined ? {} : { window }),
  };
}

function limitsOf(options: SimulatorOptions, dialect: SimulatorDialect): Settings['limitsOf'] {
  const { keys = [], models = [] } = options;
  const limits = generalLimits(options);
  const byOwner = new Map<string, SimulatorLimits>();
  for (const [at, key] of keys.entries()) {
    const { owner } = identity(key, at, dialect);
    if (key.limits !== undefined && !byOwner.has(owner)) byOwner.set(owner, key.limits);
  }
  const byModel = new Map<string, SimulatorLimits | undefined>();
  for (const model of models) if (typeof model !== 'string') byModel.set(model.id, model.limits);
  return (owner, model) => ({ ...limits, ...byModel.get(model), ...byOwner.get(owner) });
}

function identity(
  key: { readonly org?: string; readonly name?: string },
  at: number,
  dialect: SimulatorDialect,
): Identity {
  const label = key.name ?? `key-${at + 1}`;
  const org = key.org ?? label;
  return { label, org, owner: dialect === 'zhipu' ? label : org };
}

const BEARER = /^bearer +(\S+) *$/i;
const token = (authorization: string | undefined): string | undefined =>
  BEARER.exec(authorization ?? '')?.[1];

function somebody(options: SimulatorOptions, dialect: SimulatorDialect): Settings['identify'] {
  const known = new Map(
    options.keys?.map((key, at) => [key.key, identity(key, at, dialect)] as const),
  );
  return (authorization) => known.get(token(authorization) ?? '');
}

/** Every credential is an identity of its own, named by a digest. */
function anybody(dialect: SimulatorDialect): Settings['identify'] {
  return (authorization) => {
    const secret = token(authorization);
    if (secret === undefined) return identity({ name: 'anonymous' }, 0, dialect);
    const digest = createHash('sha1').update(secret).digest('hex').slice(0, 8);
    return identity({ name: `key-${digest}` }, 0, dialect);
  };
}
