/**
 * What do the small Node proxies of the bench share? One listener for each upstream, so that no
 * path has to be rewritten: `node X.js '[{"port":1,"origin":"http://127.0.0.1:2"}]' [FOLDER]`, where
 * FOLDER holds the node_modules of the package that is measured.
 */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , given = '[]', folder = '.'] = process.argv;

/** @type {readonly { port: number, origin: string }[]} */
export const LISTENERS = JSON.parse(given);

/** A package that is not a dependency of this project. */
export const requirePeer = createRequire(join(folder, 'package.json'));

/** Calls `handlerFor(origin)` once for each upstream, and serves with what it gives. */
export function serve(handlerFor) {
  for (const { port, origin } of LISTENERS) {
    createServer(handlerFor(origin)).listen(port, '127.0.0.1');
  }
}
