/** What is a file to a configuration? A name that something else makes a text of: load.ts for the
 *  disk, nothing at all where the configuration did not come from a file. */

/** A file as it was found. `path` is where it was looked for. */
export type FoundFile =
  | { readonly path: string; readonly text: string; readonly openToAll: boolean }
  | { readonly path: string; readonly fault: string };

/** Gives a file by the name that the configuration has for it. Never throws. */
export type ReadFile = (name: string) => FoundFile;

export const NO_FILES: ReadFile = (path) => ({ path, fault: 'no file can be read here' });
