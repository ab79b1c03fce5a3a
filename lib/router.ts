/**
 * Which route answers a method and a path? Compiled at start-up; a look-up allocates nothing but
 * the path string: one Map access for exact paths, then the few prefix routes in order of
 * registration. No regular expression, no decoding: a path is compared as it came.
 */

export interface RouteSpec<H> {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** An exact path, or a prefix that ends in `/*` and matches at least one more character. */
  readonly path: string;
  readonly handler: H;
}

export interface Found<H> {
  readonly handler: H;
  /** What stands behind the prefix of a `/*` route; empty for exact ones. */
  readonly rest: string;
}

/** No such path, or the methods that the path does have (for a 405). */
export type NotFound = { readonly allow: string };

export interface Router<H> {
  find(method: string, url: string): Found<H> | NotFound;
}

type Methods<H> = Map<string, H>;
const NOTHING: NotFound = { allow: '' };

/** Compiles routes. A GET route also answers HEAD unless HEAD has a route of its own. */
export function compileRoutes<H>(specs: readonly RouteSpec<H>[]): Router<H> {
  const exact = new Map<string, Methods<H>>();
  const prefixes: { prefix: string; methods: Methods<H> }[] = [];
  for (const spec of specs) {
    if (!spec.path.endsWith('/*')) {
      add(exact, spec.path, spec);
      continue;
    }
    const prefix = spec.path.slice(0, -1);
    let entry = prefixes.find((known) => known.prefix === prefix);
    if (entry === undefined) {
      entry = { prefix, methods: new Map() };
      prefixes.push(entry);
    }
    setMethod(entry.methods, spec);
  }
  return { find: (method, url) => find(exact, prefixes, method, url) };
}

function add<H>(exact: Map<string, Methods<H>>, path: string, spec: RouteSpec<H>): void {
  const methods: Methods<H> = exact.get(path) ?? new Map();
  exact.set(path, methods);
  setMethod(methods, spec);
}

function setMethod<H>(methods: Methods<H>, spec: RouteSpec<H>): void {
  methods.set(spec.method, spec.handler);
  if (spec.method === 'GET' && !methods.has('HEAD')) methods.set('HEAD', spec.handler);
}

function find<H>(
  exact: Map<string, Methods<H>>,
  prefixes: readonly { prefix: string; methods: Methods<H> }[],
  method: string,
  url: string,
): Found<H> | NotFound {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const methods = exact.get(path);
  if (methods !== undefined) {
    const handler = methods.get(method);
    return handler === undefined ? { allow: allowOf(methods) } : { handler, rest: '' };
  }
  let refused: NotFound = NOTHING;
  for (const { prefix, methods: known } of prefixes) {
    if (path.length <= prefix.length || !path.startsWith(prefix)) continue;
    const handler = known.get(method);
    if (handler !== undefined) return { handler, rest: path.slice(prefix.length) };
    if (refused === NOTHING) refused = { allow: allowOf(known) };
  }
  return refused;
}

function allowOf(methods: Methods<unknown>): string {
  return [...methods.keys()].sort().join(', ');
}
