#!/usr/bin/env node
/** Can this program run here? Then it does: everything else is lib/main.ts. */
import { existsSync } from 'node:fs';

const OLDEST_NODE = 20;
const BAD_USAGE = 2;
const built = (file) => new URL(`../dist/lib/${file}`, import.meta.url);

function refuse(reason) {
  process.stderr.write(`cooldown-proxy: ${reason}\n`);
  process.exit(BAD_USAGE);
}

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  refuse(`Node.js ${OLDEST_NODE} or newer is needed, this is ${process.version}`);
}
if (!existsSync(built('main.js'))) refuse('not built yet: run make build');

const { beginStart } = await import(built('collector.js').href);
beginStart([...process.execArgv, process.env.NODE_OPTIONS ?? '']);
const program = await import(built('main.js').href);
const exitCode = await program.main(process.argv.slice(2));
if (typeof exitCode === 'number') process.exitCode = exitCode;
