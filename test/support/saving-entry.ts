/** The proxy for a configuration file; its second argument says how often it saves its state. */
import { loadConfig } from '../../lib/config/load.ts';
import { serve } from '../../lib/serve.ts';

const [file = '', everyMs = ''] = process.argv.slice(2);
process.exitCode = await serve(loadConfig(file, process.env), { saveEveryMs: Number(everyMs) });
