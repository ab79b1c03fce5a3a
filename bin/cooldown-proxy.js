#!/usr/bin/env node
/** Can this program run here? Then it does: everything else is lib/main.ts. */
import { existsSync } from 'node:fs';

const OLDEST_NODE = 20;
const BAD_USAGE = 2;
const main = new URL('../dist/lib/main.js', import.meta.url);

function refuse(reason) {
  process.stderr.write(`cooldown-proxy: ${reason}\n`);
  process.exit(BAD_USAGE);
}

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  refuse(`Node.js ${OLDEST_NODE} or newer is needed, this is ${process.version}`);
}
if (!existsSync(main)) refuse('not built yet: run make build');

const program = await import(main.href);
const exitCode = await program.main(process.argv.slice(2));
if (typeof exitCode === 'number') process.exitCode = exitCode;
