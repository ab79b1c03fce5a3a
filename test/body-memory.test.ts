/** Is memory used again only by the next body, and only when the one before has let go of it? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyMemory } from '../lib/body-memory.ts';
import {
  MAX_KEPT_BODY_BYTES,
  MAX_REUSED_BODY_BYTES,
  MIN_REUSED_BODY_BYTES,
} from '../lib/limits.ts';
import { chat } from './support/http-client.ts';
import { road } from './support/road.ts';

const LARGE = MIN_REUSED_BODY_BYTES + 5_000;

/** `size` bytes in pieces, each filled with its own number. */
function pieces(size: number, count = 2): Buffer[] {
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, index) => {
    return Buffer.alloc(Math.min(each, size - index * each), index + 1);
  });
}

function joined(memory: BodyMemory, size = LARGE): Buffer {
  const parts = pieces(size);
  const whole = Buffer.concat(parts);
  const body = memory.join(parts, size);
  assert.ok(body.equals(whole));
  return body;
}

test('pieces become one body, of whatever size and number they are', () => {
  for (const size of [2, 1_000, LARGE, MAX_REUSED_BODY_BYTES, MAX_REUSED_BODY_BYTES + 1]) {
    for (const count of [1, 2, 7]) {
      if (count > size) continue;
      const parts = pieces(size, count);
      const whole = Buffer.concat(parts);
      assert.ok(new BodyMemory().join(parts, size).equals(whole), `${size} in ${count}`);
    }
  }
});

test('memory is used again once it was given back, and not before', () => {
  const memory = new BodyMemory();
  const first = joined(memory);
  const second = joined(memory);
  assert.notEqual(second.buffer, first.buffer);
  memory.giveBack(first);
  assert.equal(joined(memory, LARGE + 7).buffer, first.buffer);
});

test('memory given back twice is lent once', () => {
  const memory = new BodyMemory();
  const first = joined(memory);
  memory.giveBack(first);
  memory.giveBack(first);
  assert.notEqual(joined(memory).buffer, joined(memory).buffer);
});

test('memory of others is not taken', () => {
  const memory = new BodyMemory();
  const other = Buffer.alloc(LARGE);
  memory.giveBack(other);
  assert.notEqual(joined(memory).buffer, other.buffer);
});

test('what is kept is bounded', () => {
  const memory = new BodyMemory();
  const size = MAX_REUSED_BODY_BYTES;
  const count = MAX_KEPT_BODY_BYTES / size + 3;
  const lent = Array.from({ length: count }, () => joined(memory, size));
  for (const body of lent) memory.giveBack(body);
  const known = new Set(lent.map(({ buffer }) => buffer));
  const again = Array.from({ length: count }, () => joined(memory, size).buffer);
  assert.equal(again.filter((buffer) => known.has(buffer)).length, MAX_KEPT_BODY_BYTES / size);
});

test('each of many large requests at once reaches the provider as it was sent', async (t) => {
  const rig = await road(t, { keys: ['{}', '{}'], answers: [{ status: 500, body: {} }] });
  const text = (n: number) => `${n} `.repeat(20_000 + 997 * (n % 40));
  for (let round = 0; round < 3; round++) {
    const sent = Array.from({ length: 12 }, (_, n) => text(round * 12 + n));
    const answers = await Promise.all(sent.map((content) => rig.chat(chat(content))));
    for (const { status } of answers) assert.equal(status, 200);
    const came = rig.provider.received.map(({ body }) => JSON.stringify(body));
    for (const content of sent) assert.ok(came.some((body) => body.includes(content)));
  }
});
