/** Everything that is fuzzed. A new target is a file beside this one and its line here. */
import { config } from './config.ts';
import { headers } from './headers.ts';
import { http } from './http.ts';
import { json } from './json.ts';
import { sse } from './sse.ts';
import type { FuzzTarget } from './target.ts';
import { transports } from './transports.ts';

export const TARGETS: readonly FuzzTarget[] = [http, json, sse, headers, config, transports];
