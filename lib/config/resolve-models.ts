/** The models of a provider, and what is known about each. */
import { MAX_MODEL_NAME_CHARS } from '../limits.ts';
import { PRESETS } from '../providers/index.ts';
import type { ModelFacts, Preset } from '../providers/types.ts';
import type { RawModel, RawProvider } from './schema.ts';
import type { Reading } from './validate.ts';

const UNKNOWN = { contextWindow: 0, maxOutputTokens: 0, vision: false };

/** The models that `raw` lists, else those of its preset. Nothing at all is a fault. */
export function resolveModels(raw: RawProvider, preset: Preset, x: Reading): readonly ModelFacts[] {
  if (raw.models === undefined || raw.models.length === 0) {
    const isFaulty = x.places.given(raw, 'models') && x.faults.failed;
    if (preset.models.length > 0 || isFaulty) return preset.models;
    x.faults.error(x.places.of(raw, 'models'), 'list at least one model');
    return [];
  }
  const seen = new Set<string>();
  for (const [index, model] of raw.models.entries()) {
    checkModel(model, x.places.of(raw.models, index), seen, x);
  }
  return raw.models.map((model) => resolveModel(model, preset));
}

function resolveModel(raw: RawModel, preset: Preset): ModelFacts {
  if (typeof raw === 'string') return { ...known(raw, raw, preset), id: raw, upstream: raw };
  const id = raw.id ?? '';
  const upstream = raw.upstream ?? id;
  const facts = known(id, upstream, preset);
  return {
    id,
    upstream,
    contextWindow: raw.context_window ?? facts.contextWindow,
    maxOutputTokens: raw.max_output_tokens ?? facts.maxOutputTokens,
    vision: raw.vision ?? facts.vision,
  };
}

/** What this preset knows of the model, else what any preset does. */
function known(id: string, upstream: string, preset: Preset): Omit<ModelFacts, 'id' | 'upstream'> {
  for (const one of [preset, ...Object.values(PRESETS)]) {
    const facts = [...one.models, ...one.known];
    for (const name of [id, upstream]) {
      const found = facts.find((model) => model.id === name || model.upstream === name);
      if (found !== undefined) return found;
    }
  }
  return UNKNOWN;
}

type Spot = ReturnType<Reading['places']['of']>;

/** Model names appear in headers and labels: visible ASCII without blanks. */
const NAME = /^[\x21-\x7e]+$/;

function checkModel(model: RawModel, at: Spot, seen: Set<string>, x: Reading): void {
  const id = typeof model === 'string' ? model : model.id;
  if (id === undefined) {
    const isFaulty = typeof model !== 'string' && x.places.given(model, 'id');
    if (!isFaulty) x.faults.error(at, 'has no id');
    return;
  }
  const names = typeof model === 'string' ? [id] : [id, model.upstream ?? id];
  if (!names.every((name) => NAME.test(name) && name.length <= MAX_MODEL_NAME_CHARS)) {
    x.faults.error(at, 'a model name is 1 to 256 visible ASCII characters without blanks');
  }
  if (seen.has(id.toLowerCase())) x.faults.error(at, `model "${id}" is listed twice`);
  seen.add(id.toLowerCase());
}
