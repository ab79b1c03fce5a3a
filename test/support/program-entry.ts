/** What bin/cooldown-proxy.js does, from the sources. */
import { main } from '../../lib/main.ts';

process.exitCode = await main(process.argv.slice(2));
