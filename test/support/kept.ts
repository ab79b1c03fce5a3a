/** What a file of tests has opened is closed after its last test, the newest first. */
import { after } from 'node:test';

interface Closable {
  close(): unknown;
}

const open: Closable[] = [];
after(async () => {
  for (const each of open.reverse()) await each.close();
});

/** Gives back what was made, and remembers to close it. */
export function kept<T extends Closable>(made: T): T {
  open.push(made);
  return made;
}
