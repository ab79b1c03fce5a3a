/**
 * What is the one leading system text?
 *
 * One string for all providers, made only of what stays the same from turn to turn, so that the
 * prefix of a conversation stays the same bytes (WIRE.md §G).
 */
import { withPrompt } from '../../reasoning/inject.ts';
import type { ContentBlock, Message, MessagesRequest } from '../../wire/anthropic-request.ts';
import { BILLING_HEADER, type LongTexts } from './long-texts.ts';

export const PARAGRAPH = '\n\n';

/** Claude Code's attribution line. Only Anthropic strips it; elsewhere it is prompt text, and
 *  one that changed per request in older versions, so that no prefix was ever cached (WIRE.md
 *  §B.1). */
const BILLING_LINE = new RegExp(`^${BILLING_HEADER}[^\\n]*\\n*`);

/** How many entries at the start of `messages` are system text before anybody has spoken. */
export function leadingSystemEntries(messages: readonly Message[]): number {
  const first = messages.findIndex((message) => message.role !== 'system');
  return first === -1 ? messages.length : first;
}

/**
 * The system text: the client's, then the reasoning prompt (null: none), then `hints`, which depend
 * on the single request and therefore come last. '' = no system message at all.
 */
export function systemText(
  request: MessagesRequest,
  injectPrompt: string | null,
  hints: readonly string[],
  longTexts: LongTexts,
): string {
  const leading = request.messages.slice(0, leadingSystemEntries(request.messages));
  const contents = [request.system ?? '', ...leading.map((message) => message.content)];
  const told = contents.flatMap(texts).join(PARAGRAPH);
  const whole = injectPrompt === null ? told : withPrompt(longTexts.whole(told), injectPrompt);
  return [whole, ...hints].filter((text) => text !== '').join(PARAGRAPH);
}

function texts(content: string | readonly ContentBlock[]): string[] {
  const all = typeof content === 'string' ? [content] : content.map(textOf);
  return all.map((text) => text.replace(BILLING_LINE, '')).filter((text) => text.trim() !== '');
}

function textOf(block: ContentBlock): string {
  return block.type === 'text' ? block.text : '';
}
