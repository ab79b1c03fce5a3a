/** What is in the one leading system text, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_TEXTS } from '../../../lib/translate/anthropic-openai/long-texts.ts';
import {
  leadingSystemEntries,
  systemText,
} from '../../../lib/translate/anthropic-openai/system.ts';
import type { Message, MessagesRequest } from '../../../lib/wire/anthropic-request.ts';

const USER: Message = { role: 'user', content: 'Hi' };
const ENTRY: Message = { role: 'system', content: 'Entry.' };
const BILLING = 'x-anthropic-billing-header: cc_version=1;';

type Given = Pick<MessagesRequest, 'system'> & { messages?: readonly Message[] };

for (const { name, given, want } of [
  { name: 'nothing', given: {}, want: '' },
  { name: 'a string', given: { system: ' Base.\n' }, want: ' Base.\n' },
  { name: 'a blank string', given: { system: ' ' }, want: '' },
  { name: 'leading entries', given: { messages: [ENTRY, ENTRY, USER] }, want: 'Entry.\n\nEntry.' },
  { name: 'later entries are not its own', given: { messages: [USER, ENTRY] }, want: '' },
  { name: 'the billing line alone', given: { system: BILLING }, want: '' },
  { name: 'the billing line, then more', given: { system: `${BILLING}\n\nBase.` }, want: 'Base.' },
  {
    name: 'the billing line named in a text',
    given: { system: `A ${BILLING}` },
    want: `A ${BILLING}`,
  },
  {
    name: 'blocks that are no text',
    given: { system: [{ type: 'redacted_thinking' }, { type: 'text', text: 'Base.' }] },
    want: 'Base.',
  },
] as ReadonlyArray<{ name: string; given: Given; want: string }>) {
  test(`system text: ${name}`, () => {
    const request = { model: 'm', messages: [USER], ...given };
    assert.equal(systemText(request, null, [''], NO_TEXTS), want);
  });
}

test('system text: client, prompt, hints', () => {
  const request = { model: 'm', system: 'Base.', messages: [USER] };
  const text = systemText(request, 'Think.', ['', 'Call one.', 'JSON.'], NO_TEXTS);
  assert.equal(text, 'Base.\n\nThink.\n\nCall one.\n\nJSON.');
  assert.equal(systemText({ ...request, system: null }, null, ['JSON.'], NO_TEXTS), 'JSON.');
});

for (const { messages, want } of [
  { messages: [USER, ENTRY], want: 0 },
  { messages: [ENTRY, USER, ENTRY], want: 1 },
  { messages: [ENTRY, ENTRY], want: 2 },
]) {
  test(`${want} of ${messages.length} entries lead`, () => {
    assert.equal(leadingSystemEntries(messages), want);
  });
}
