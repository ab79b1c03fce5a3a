/** How `${NAME}`, `${NAME:default}`, `${NAME:-default}` and `$${` in a string are filled in. */

export type Env = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly text: string;
  /** Whether anything was filled in: such a text may stand for a number or a boolean. */
  readonly filled: boolean;
  /** Every variable the text names. */
  readonly names: readonly string[];
  /** Those without a value and without a default. */
  readonly missing: readonly string[];
  /** What is wrong with the spelling of a `${…}`, if anything. */
  readonly malformed: string | undefined;
}

const PIECE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-?(.*))?$/s;

/**
 * Fills in a string once; what a variable holds is not looked at again. A default stands for an
 * unset and for an empty variable; without one, empty is a value and unset is `missing`.
 */
export function interpolate(source: string, env: Env): Interpolated {
  const names: string[] = [];
  const missing: string[] = [];
  let malformed: string | undefined;
  const text = source.replace(PIECE, (piece, inside: string | undefined, end: string) => {
    if (inside === undefined) return '${'; // "$${"
    const [, name, fallback] = INSIDE.exec(inside) ?? [];
    malformed ??= spellingFault(name, fallback, end);
    if (name === undefined) return piece;
    names.push(name);
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined && fallback === undefined) missing.push(name);
    return fallback === undefined ? (value ?? '') : value || fallback;
  });
  return { text, filled: names.length > 0, names, missing, malformed };
}

function spellingFault(
  name: string | undefined,
  fallback: string | undefined,
  end: string,
): string | undefined {
  if (end === '') return 'a "${" is not closed; a literal one is written "$${"';
  if (name === undefined) return 'a "${" is not followed by a name; a literal one is written "$${"';
  if (fallback?.includes('${')) return 'the default inside of a "${" cannot hold another "${"';
  return undefined;
}
