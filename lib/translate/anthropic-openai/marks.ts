/**
 * What stands in a body where something was taken out of it?
 *
 * A text's beginning goes on with a tilde, a control character and a number (long-texts.ts); tools
 * that are known become one such text (known-tools.ts). Must stay true: a body that holds `SIGN`
 * anywhere else is left whole.
 */

/** What JSON makes of the control character in a mark, less the backslashes before it: their
 *  number tells how deep the text lies. */
export const SIGN = 'u0010';
export const CONTROL = 0x10;

/** Parts the backslashes of a mark from those of the text before it. */
export const TILDE = '~';

/** The value of `tools` where they are known. */
export const TOOLS_MARK = `${TILDE}${String.fromCharCode(CONTROL)}tools`;
