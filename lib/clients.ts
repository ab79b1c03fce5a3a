/**
 * Who asks? The named clients at run time: what each may use, and the bucket of its own limits.
 *
 * Must stay true: a client is told by its name, so that its counts go on when its token is
 * replaced, over a reload and over a restart; no text about a client holds a token.
 */
import type { Buckets } from './buckets.ts';
import type { ClientConfig } from './config/types.ts';
import { type ModelTable, restrictModels } from './model-table.ts';
import type { Bucket } from './quotas/bucket.ts';

export interface ClientRuntime {
  readonly config: ClientConfig;
  readonly bucket: Bucket;
  /** The bucket alone, as the quota table takes it. */
  readonly path: Int32Array;
  /** The models that it may use. */
  readonly models: ModelTable;
}

/** The clients in the order of the configuration. */
export function compileClients(
  clients: readonly ClientConfig[],
  models: ModelTable,
  list: Buckets,
): readonly ClientRuntime[] {
  return clients.map((config) => {
    const { name, requestsPerMinute, tokensPerMinute, tokensPerDay, maxConcurrent } = config;
    const limits = {
      uncounted: true,
      requestsPerMinute,
      tokensPerMinute,
      requestsPerDay: 0,
      tokensPerDay,
      maxConcurrent,
    };
    const marks = { org: [JSON.stringify(['client', name])], key: [] };
    const bucket = list.add(`client ${name}`, limits, marks);
    const path = Int32Array.of(bucket);
    return { config, bucket, path, models: usable(config, models) };
  });
}

function usable(config: ClientConfig, models: ModelTable): ModelTable {
  return config.models.length === 0 ? models : restrictModels(models, config.models, config.name);
}
