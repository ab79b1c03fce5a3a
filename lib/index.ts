/** The package as a library: start a proxy from a program of one's own. */
export { ConfigError } from './config/faults.ts';
export { loadConfig } from './config/load.ts';
export { parseConfig } from './config/parse.ts';
export type { Config } from './config/types.ts';
export { main } from './main.ts';
export { serve } from './serve.ts';
export { startSimulator } from './simulator/simulator.ts';
