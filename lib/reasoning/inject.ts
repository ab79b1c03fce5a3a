/**
 * Where does the reasoning prompt go?
 *
 * At the end of the leading system text, as a paragraph of its own: one fixed place, so that the
 * prefix of a conversation stays the same bytes from turn to turn and a provider's prompt cache
 * holds.
 */

/** The system text with the prompt in it. A text that holds the prompt already is left as it is; an
 *  empty one becomes the prompt. A blank prompt adds nothing. */
export function withPrompt(system: string, prompt: string): string {
  const paragraph = prompt.trim();
  if (system.includes(paragraph)) return system;
  return system === '' ? paragraph : `${system}\n\n${paragraph}`;
}
