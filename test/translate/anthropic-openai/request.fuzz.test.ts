/**
 * Whatever history a client comes with, every provider takes what is made of it; whatever is wrong
 * with a body, the client is told so in one way. The seed is printed: set SEED to see a run again.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import type { Preset } from '../../../lib/providers/types.ts';
import { parseMessages } from '../../../lib/translate/anthropic-openai/parse.ts';
import { toChatCompletion } from '../../../lib/translate/anthropic-openai/request.ts';
import { contextOf } from '../../support/contexts.ts';
import { type Strictness, validateChat } from '../../support/validate-chat.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000_000);
const HISTORIES = 400;
const MUTATIONS = 2_000;

const PROVIDERS: ReadonlyArray<readonly [Preset['name'], Strictness]> = [
  ['cerebras', 'cerebras'],
  ['zhipu', 'zhipu'],
  ['openai', 'plain'],
  ['generic', 'plain'],
];

type Json = Record<string, unknown>;

/** A small generator of 32-bit numbers: the same seed, the same cases on every machine. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  maybe(percent: number): boolean {
    return this.below(100) < percent;
  }

  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

const TEXTS = ['', ' ', '\n', 'Hi', 'Zwei\nZeilen', '"quoted"', '\u2028 \u0000', '😀', '\ud800'];
const IDS = ['', 'a', 'a', 'b', 'call_0', 'call_0', 'call_0_2', `toolu_${'x'.repeat(60)}`];
const NAMES = ['Read', 'Write', 'mcp.tool', `mcp__${'n'.repeat(80)}`, 'with space', '', 'ü'];
const INPUTS: readonly unknown[] = [{}, { a: 1 }, null, undefined, [], 'text', 7, { pattern: 'x' }];

class Histories {
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  body(): Json {
    const chance = this.#chance;
    const tools = chance.maybe(70) ? { tools: this.#tools() } : {};
    return {
      model: 'm',
      max_tokens: chance.one([undefined, null, 0, 1, 512, 32_000, 128_000]),
      stream: chance.one([true, false, undefined]),
      system: chance.one([undefined, null, '', 'Base.', [{ type: 'text', text: 'One' }], []]),
      messages: [this.#message(), ...chance.some(8, () => this.#message())],
      thinking: chance.one([
        undefined,
        { type: 'adaptive' },
        { type: 'disabled' },
        { type: 'new' },
      ]),
      temperature: chance.one([undefined, -1, 0, 0.5, 1, 7]),
      top_p: chance.one([undefined, 0, 1]),
      tool_choice: chance.one([undefined, { type: 'auto' }, { type: 'any' }, { type: 'none' }]),
      output_config: chance.one([
        undefined,
        { effort: 'max' },
        { format: { type: 'json_schema', schema: this.#schema(1) } },
      ]),
      metadata: chance.one([undefined, { user_id: 'u' }, { user_id: null }]),
      ...tools,
    };
  }

  #tools(): Json[] {
    return this.#chance.some(4, () =>
      this.#chance.maybe(10)
        ? { type: 'web_search_20250305', name: 'web_search' }
        : {
            name: this.#chance.one(NAMES.filter((name) => name !== '')),
            description: this.#chance.one([undefined, null, '', 'Does.']),
            input_schema: this.#chance.maybe(80) ? this.#schema(2) : undefined,
            cache_control: { type: 'ephemeral' },
          },
    );
  }

  #schema(depth: number): Json {
    const chance = this.#chance;
    const deeper = (): unknown => (depth > 0 ? this.#schema(depth - 1) : true);
    return {
      $schema: 'x',
      type: chance.one(['object', 'array', undefined, ['object', 'null']]),
      properties: { pattern: deeper(), format: deeper() },
      items: chance.one([deeper(), [deeper()], false]),
      anyOf: chance.some(2, deeper),
      pattern: 'x',
      maxLength: 3,
      default: { minItems: 1 },
      additionalProperties: chance.one([false, deeper()]),
    };
  }

  #message(): Json {
    const role = this.#chance.one(['user', 'user', 'assistant', 'assistant', 'system']);
    if (this.#chance.maybe(25)) return { role, content: this.#chance.one(TEXTS) };
    return { role, content: this.#chance.some(5, () => this.#block(role, 2)) };
  }

  #block(role: string, depth: number): Json {
    const chance = this.#chance;
    const spoken = ['text', 'thinking', 'redacted_thinking', 'tool_use', 'tool_use', 'compaction'];
    const heard = ['text', 'tool_result', 'tool_result', 'image', 'document', 'search_result'];
    const anybody = ['text', 'image', 'hologram', 'server_tool_use', 'web_search_tool_result'];
    const kinds = role === 'assistant' ? spoken : heard;
    const type = chance.one(chance.maybe(85) ? kinds : anybody);
    return { type, cache_control: { type: 'ephemeral' }, ...this.#fields(type, depth) };
  }

  #fields(type: string, depth: number): Json {
    const chance = this.#chance;
    const text = chance.one(TEXTS);
    const inside = (): Json[] =>
      depth > 0 ? chance.some(3, () => this.#block('user', depth - 1)) : [];
    switch (type) {
      case 'text':
        return { text, citations: [] };
      case 'thinking':
        return { thinking: text, signature: 'AA' };
      case 'compaction':
        return { content: text };
      case 'tool_use':
        return { id: chance.one(IDS), name: chance.one(NAMES), input: chance.one(INPUTS) };
      case 'tool_result':
        return {
          tool_use_id: chance.one(IDS),
          is_error: chance.one([true, false, undefined, null]),
          content: chance.one([undefined, null, text, inside()]),
        };
      case 'image':
        return { source: this.#source() };
      case 'document':
        return {
          title: chance.one([undefined, null, 'T']),
          source: chance.one([this.#source(), { type: 'content', content: inside() }]),
        };
      case 'search_result':
        return { title: text, source: 's', content: inside() };
      default:
        return { anything: [text, { signature: 'AA' }] };
    }
  }

  #source(): Json {
    return this.#chance.one([
      { type: 'base64', media_type: 'image/png', data: 'QUJD' },
      { type: 'url', url: 'https://a.example/b.png' },
      { type: 'file', file_id: 'file_1' },
      { type: 'text', media_type: 'text/plain', data: 'words' },
      { type: 'new' },
    ]);
  }
}

test(`any history gives a body that every provider takes (SEED=${SEED})`, () => {
  const chance = new Chance(SEED);
  const histories = new Histories(chance);
  for (let round = 0; round < HISTORIES; round++) {
    const text = JSON.stringify(histories.body());
    const request = parseMessages(Buffer.from(text));
    for (const [preset, strictness] of PROVIDERS) {
      const vision = chance.maybe(50);
      const { body } = toChatCompletion(request, contextOf({ preset, vision }));
      const findings = validateChat(JSON.parse(body), strictness, vision);
      const about = `SEED=${SEED} round ${round}, ${preset}\n${text}\n${body}`;
      assert.deepEqual(findings, [], about);
    }
    assert.equal(JSON.stringify(request), text, 'the request is unchanged');
  }
});

/** As text: a value that is put in may itself be changed by the next mutation. */
const WRONG = [
  'null',
  '0',
  '-1',
  '1.5',
  'true',
  '""',
  '"x"',
  '[]',
  '{}',
  '[null]',
  '{"type":"text"}',
];

/** Puts something else in the place of a value somewhere in the body, or takes it away. */
function mutate(root: Json, chance: Chance): void {
  let owner: Json = root;
  for (let step = 0; step < 12; step++) {
    const keys = Object.keys(owner);
    const key = chance.one(keys);
    const value = owner[key];
    const open = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
    if (open && chance.maybe(75)) {
      owner = value as Json;
      continue;
    }
    if (chance.maybe(15)) delete owner[key];
    else owner[key] = JSON.parse(chance.one(WRONG)) as unknown;
    return;
  }
}

function assertToldWell(bytes: Buffer, about: string): void {
  try {
    const request = parseMessages(bytes);
    for (const [preset] of PROVIDERS)
      toChatCompletion(request, contextOf({ preset, vision: true }));
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError, `${about}\n${(thrown as Error).stack}`);
    assert.equal(thrown.code, 'INVALID_REQUEST', about);
  }
}

test(`any wrong type is either taken or told as INVALID_REQUEST (SEED=${SEED})`, () => {
  const chance = new Chance(SEED + 1);
  const histories = new Histories(chance);
  for (let round = 0; round < MUTATIONS; round++) {
    const body = JSON.parse(JSON.stringify(histories.body())) as Json;
    mutate(body, chance);
    if (chance.maybe(30)) mutate(body, chance);
    const text = JSON.stringify(body);
    assertToldWell(Buffer.from(text), `SEED=${SEED} round ${round}\n${text}`);
  }
});

test(`any cut or flipped byte of a captured body is told as INVALID_REQUEST (SEED=${SEED})`, () => {
  const chance = new Chance(SEED + 2);
  const name = '../../fixtures/10-old-2.0.76-prefill.json';
  const whole = readFileSync(new URL(name, import.meta.url));
  for (let round = 0; round < 1_000; round++) {
    const bytes = Buffer.from(whole);
    bytes[chance.below(bytes.length)] = chance.below(256);
    const cut = chance.maybe(30) ? bytes.subarray(0, chance.below(bytes.length)) : bytes;
    assertToldWell(cut, `SEED=${SEED} round ${round}`);
  }
});
