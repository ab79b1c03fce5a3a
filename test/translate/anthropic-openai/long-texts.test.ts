/** With long texts kept apart a request becomes what it becomes without. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import type { Preset } from '../../../lib/providers/types.ts';
import { estimateMessages } from '../../../lib/quotas/estimate-tokens.ts';
import { NO_TEXTS, takeOutTexts } from '../../../lib/translate/anthropic-openai/long-texts.ts';
import { parseMessages, readMessages } from '../../../lib/translate/anthropic-openai/parse.ts';
import { toChatCompletion } from '../../../lib/translate/anthropic-openai/request.ts';
import { type ContextOptions, contextOf } from '../../support/contexts.ts';
import { goldenCases } from '../../support/golden.ts';
import { seeded } from '../../support/seeded.ts';

const PRESETS: readonly Preset['name'][] = ['cerebras', 'zhipu', 'openai', 'generic'];
const LONG = `if (at < 0) return "no";\n${'more of it\n'.repeat(80)}`;

function whole(body: string | Buffer, options?: ContextOptions): unknown {
  const request = parseMessages(Buffer.from(body));
  return JSON.parse(toChatCompletion(request, contextOf(options)).body);
}

/** The same with every text of `longBytes` and more apart. */
function apart(body: string | Buffer, longBytes: number, options?: ContextOptions): unknown {
  const { rest, texts } = takeOutTexts(Buffer.from(body), longBytes);
  const { body: json } = toChatCompletion(parseMessages(rest), contextOf(options), texts);
  return JSON.parse(texts.fill(json).toString());
}

function user(content: unknown, more: object = {}): string {
  return JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...more });
}

for (const { file, title, fences } of goldenCases('requests')) {
  if (fences.has('error')) continue;
  test(`${file}: ${title}`, () => {
    const options = JSON.parse(fences.get('options') ?? '{}') as ContextOptions;
    const input = fences.get('in') ?? '';
    for (const bytes of [18, 30]) {
      assert.deepEqual(apart(input, bytes, options), JSON.parse(fences.get('out') ?? ''));
    }
  });
}

const FIXTURES = new URL('../../fixtures/', import.meta.url);
for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.json'))) {
  const bytes = readFileSync(new URL(name, FIXTURES));
  test(`captured: ${name}`, () => {
    for (const preset of PRESETS) {
      const { request, longTexts } = readMessages(bytes, true);
      const { body } = toChatCompletion(request, contextOf({ preset }), longTexts);
      assert.deepEqual(JSON.parse(longTexts.fill(body).toString()), whole(bytes, { preset }));
    }
  });
  test(`captured, estimated: ${name}`, () => {
    const { request, longTexts } = readMessages(bytes, true);
    const ratio = estimateMessages(request, longTexts) / estimateMessages(parseMessages(bytes));
    assert.ok(Math.abs(ratio - 1) < 0.01, `${ratio}`);
  });
}

/** JSON inside of texts as what it stands for: its escapes may be written in two ways. */
function read(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('{"')) return read(JSON.parse(value));
  if (Array.isArray(value)) return value.map(read);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, read(inner)]));
}

/** Texts of all that a JSON string can hold. */
function textsOf(random: () => number): string {
  const parts = [
    'a',
    'error ',
    ' ',
    '\n',
    '\t',
    '"',
    '\\',
    '/',
    'é',
    '已',
    '\u3000',
    '😀',
    '\ud800',
  ];
  const length = Math.floor(random() * 60);
  return Array.from({ length }, () => parts[Math.floor(random() * parts.length)]).join('');
}

/** Shown as JSON to the model, where escapes could be written in two ways. */
function ascii(text: string): string {
  return text.replace(/[^\n\t -~]/g, '');
}

/** A body with a text at every place that has one. */
function bodyOf(text: () => string): string {
  const result = { type: 'tool_result', tool_use_id: 't', is_error: true, content: text() };
  const inside = [{ type: 'text', text: text() }];
  const image = {
    type: 'image',
    source: { type: 'base64', media_type: 'a/b', data: 'Q'.repeat(99) },
  };
  return JSON.stringify({
    model: 'm',
    system: [{ type: 'text', text: text() }],
    tools: [{ name: 'n', description: text(), input_schema: { description: text() } }],
    messages: [
      { role: 'user', content: text() },
      { role: 'assistant', content: [{ type: 'thinking', thinking: text() }, ...inside] },
      { role: 'assistant', content: [use('t', text), use('other', text)] },
      {
        role: 'user',
        content: [result, image, { type: 'new', text: ascii(text()) }],
      },
      {
        role: 'user',
        content: [{ type: 'search_result', title: 't', source: 's', content: inside }],
      },
      { role: 'user', content: [{ type: 'document', source: { type: 'text', data: text() } }] },
      { role: 'system', content: text() },
    ],
  });
}

function use(id: string, text: () => string): object {
  const input = { content: text(), deeper: { new_string: text(), not_known: text() } };
  return { type: 'tool_use', id, name: 'n', input };
}

test('generated requests, in both ways of writing what is beyond ASCII', () => {
  const random = seeded(21);
  for (let round = 0; round < 150; round++) {
    const body = bodyOf(() => textsOf(random));
    const escaped = body.replace(/[\u0080-\uffff]/g, (char) => {
      return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
    const options = { vision: round % 2 === 0, preset: PRESETS[round % 4] ?? 'generic' };
    const want = whole(escaped, options);
    for (const sent of [body.replace(/\\ud800/g, ''), escaped]) {
      for (const bytes of [20, 60]) {
        const got = apart(sent, bytes, options);
        assert.deepEqual(read(got), read(sent === escaped ? want : whole(sent, options)), sent);
      }
    }
  }
});

for (const [name, text] of [
  ['blank', ' '.repeat(900)],
  ['blank for long', `${' '.repeat(256)}${LONG}`],
  ['beyond ASCII', '\u00a0'.repeat(600)],
  ['the billing line', `x-anthropic-billing-header: ${'v'.repeat(600)}\nBe brief.`],
  ['what looks like a mark', `${LONG}~\u001000000`],
] as const) {
  test(`a text stays whole: ${name}`, () => {
    const body = user([{ type: 'text', text: 'Hi' }], { system: text });
    assert.equal(takeOutTexts(Buffer.from(body)).texts, NO_TEXTS, 'nothing is taken out');
    assert.deepEqual(apart(body, 512), whole(body));
  });
}

test('a mark in one text does not show another', () => {
  const body = user([
    { type: 'text', text: LONG },
    { type: 'text', text: 'see ~\u001000000' },
  ]);
  assert.deepEqual(apart(body, 512), whole(body));
});

test('only texts are taken out, and no ids, names or keys', () => {
  const id = 'i'.repeat(900);
  const call = { type: 'tool_use', id, name: id, input: { [LONG]: [LONG], path: LONG } };
  const result = { type: 'tool_result', tool_use_id: id, content: 'done' };
  const messages = [
    { role: 'assistant', content: [call] },
    { role: 'user', content: [result] },
  ];
  const body = user('', { messages, metadata: { user_id: LONG }, stop_sequences: [LONG] });
  assert.equal(takeOutTexts(Buffer.from(body)).rest.toString(), body);
});

test('a prompt that a long system text holds already is not added again', () => {
  const injectPrompt = 'Think in steps.';
  for (const system of [`${LONG}${injectPrompt}${LONG}`, LONG]) {
    const body = user('Hi', { system });
    assert.deepEqual(apart(body, 512, { injectPrompt }), whole(body, { injectPrompt }));
  }
});

test('the size of a document that is left out is its own', () => {
  const source = { type: 'base64', media_type: 'application/pdf', data: 'Q'.repeat(90_000) };
  const body = user([{ type: 'document', source }]);
  assert.deepEqual(apart(body, 512), whole(body));
  const { rest, texts } = takeOutTexts(Buffer.from(body));
  assert.ok(rest.length < 300);
  const request = parseMessages(Buffer.from(body));
  assert.equal(estimateMessages(parseMessages(rest), texts), estimateMessages(request));
});

test('a body that is no UTF-8 is refused, wherever it is none', () => {
  const bytes = Buffer.from(user(LONG.repeat(20)));
  bytes[bytes.length - 200] = 0xff;
  assert.throws(() => readMessages(bytes, false), /not valid UTF-8/);
});

test('any cut or changed byte is taken or told', () => {
  const random = seeded(8);
  const bytes = Buffer.from(bodyOf(() => LONG));
  for (let round = 0; round < 300; round++) {
    const changed = Buffer.from(bytes.subarray(0, bytes.length - (round % 3 === 0 ? round : 0)));
    changed[Math.floor(random() * changed.length)] = '"\\{}[],:x'.charCodeAt(round % 9);
    const { rest, texts } = takeOutTexts(changed);
    try {
      const { body } = toChatCompletion(parseMessages(rest), contextOf({}), texts);
      assert.ok(texts.fill(body).length > 0);
    } catch (thrown) {
      assert.ok(thrown instanceof GatewayError, String(thrown));
    }
  }
});
