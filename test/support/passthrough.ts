/** Runs golden streams through a pass-through translator: whole, and cut at every size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamTranslator } from '../../lib/translate/translator.ts';
import { type GoldenCase, goldenCases, pieces } from './golden.ts';

export interface GoldenOptions {
  readonly stripUsage?: boolean;
  readonly lineEnd?: string;
  /** The input has no newline at its end. */
  readonly cut?: boolean;
}

/** Feeds `bytes` in pieces of `size`; gives what came out, as text. */
export function run(translator: StreamTranslator, bytes: Buffer, size: number): string {
  const out: Buffer[] = [];
  for (const piece of pieces(bytes, size)) {
    const wasBegun = translator.begun;
    const given = translator.push(piece);
    if (given.length > 0) assert.ok(wasBegun || translator.begun, 'given out before it began');
    out.push(Buffer.from(given));
  }
  out.push(Buffer.from(translator.finish()));
  return Buffer.concat(out).toString();
}

function stateOf(translator: StreamTranslator): Record<string, unknown> {
  const { begun, ended, empty, stopReason, usage, fault } = translator;
  return {
    ...{ begun, ended, empty, stopReason, usage, reported: usage.reported },
    ...{ fault: fault?.kind ?? null, status: fault?.status, told: fault?.told === true },
  };
}

function check(golden: GoldenCase, make: (options: GoldenOptions) => StreamTranslator): void {
  const options = JSON.parse(golden.fences.get('options') ?? '{}') as GoldenOptions;
  const lineEnd = options.lineEnd ?? '\n';
  const text = (name: string, end: string) => {
    const fence = golden.fences.get(name);
    return fence === undefined ? '' : `${fence}${end}`.replaceAll('\n', lineEnd);
  };
  const bytes = Buffer.from(text('in', options.cut === true ? '' : '\n'));
  const wanted = text('out', '\n');
  const state = JSON.parse(golden.fences.get('state') ?? '{}') as Record<string, unknown>;
  for (let size = bytes.length; size >= 1; size--) {
    const translator = make(options);
    assert.equal(run(translator, bytes, size), wanted, `in pieces of ${size}`);
    const found = stateOf(translator);
    for (const [key, value] of Object.entries(state)) assert.deepEqual(found[key], value, key);
    if (!('fault' in state)) assert.equal(translator.fault, null);
  }
}

/** One test per case of a golden file. */
export function testGolden(file: string, make: (options: GoldenOptions) => StreamTranslator): void {
  const cases = goldenCases('passthrough').filter((golden) => golden.file === file);
  assert.ok(cases.length > 0);
  for (const golden of cases) test(`golden: ${golden.title}`, () => check(golden, make));
}
