/**
 * Secrets that stand in files of their own, so that a configuration can be shown and shared.
 *
 * Must stay true: no message holds anything of a file's content; whatever was read is cut out of
 * every message and of the log. The disk itself is `load.ts`'s: here it is an argument.
 */
import type { Place } from './faults.ts';
import type { Reading } from './validate.ts';

/**
 * The secret in a file, without the blanks and line ends around it. A file that is empty or cannot
 * be read is a fault at `at`, and the answer then empty; one that everyone may read is a warning.
 */
export function readSecret(name: string, at: Place, x: Reading): string {
  const found = x.readFile(name);
  if ('fault' in found) {
    x.faults.error(at, `${found.fault} (${found.path})`);
    return '';
  }
  const secret = found.text.trim();
  x.faults.hide(secret);
  if (secret === '') x.faults.error(at, `the file is empty (${found.path})`);
  else if (!isSendable(secret)) {
    x.faults.error(at, `${found.path} holds characters that cannot stand in a header`);
    return '';
  }
  if (found.openToAll) {
    x.faults.warn(at, `everyone on this machine can read ${found.path}: chmod 600 helps`);
  }
  return secret;
}

const UNSENDABLE = /[^\x21-\x7e]/;

/** Whether a secret can stand in a header: visible ASCII without blanks. */
export function isSendable(secret: string): boolean {
  return !UNSENDABLE.test(secret);
}
