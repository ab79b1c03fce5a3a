/** A configuration on its way to another thread: presets hold functions, so they go by name. */
import type { Config, ProviderConfig } from '../config/types.ts';
import { PRESETS } from '../providers/index.ts';
import type { Preset } from '../providers/types.ts';

type SentProvider = Omit<ProviderConfig, 'preset'> & { readonly preset: Preset['name'] };

/** Plain data and regular expressions, which can be cloned. */
export type SentConfig = Omit<Config, 'providers'> & {
  readonly providers: readonly SentProvider[];
};

export function packConfig(config: Config): SentConfig {
  const providers = config.providers.map((one) => ({ ...one, preset: one.preset.name }));
  return { ...config, providers };
}

export function unpackConfig(sent: SentConfig): Config {
  const providers = sent.providers.map((one) => ({ ...one, preset: PRESETS[one.preset] }));
  return { ...sent, providers };
}
