/** Every refusal of every error table. */
import { ANY } from './any-provider.ts';
import { CEREBRAS } from './cerebras.ts';
import { CONFIGURED } from './configured.ts';
import type { RefusalRow } from './outcomes.ts';
import { ZHIPU } from './zhipu.ts';

export const REFUSALS: readonly RefusalRow[] = [...ANY, ...CEREBRAS, ...ZHIPU, ...CONFIGURED];
