/** The table of presets. A new provider is one file beside this one and one line here. */
import { anthropic } from './anthropic.ts';
import { cerebras } from './cerebras.ts';
import { generic, openai } from './openai.ts';
import type { Preset } from './types.ts';
import { zai, zhipu } from './zhipu.ts';

export const PRESETS: Readonly<Record<Preset['name'], Preset>> = {
  cerebras,
  zhipu,
  zai,
  openai,
  anthropic,
  generic,
};
