/** Whose limits hold for whom, and who is let in? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle, unlisted } from '../../lib/simulator/settings.ts';

const KEYS = [
  { key: 'secret-1', org: 'a', limits: { requestsPerMinute: 3 } },
  { key: 'secret-2', org: 'a', name: 'second', limits: { requestsPerMinute: 99 } },
  { key: 'secret-3' },
];

for (const { dialect, header, want } of [
  { dialect: 'cerebras', header: 'Bearer secret-1', want: ['key-1', 'a', 'a'] },
  { dialect: 'cerebras', header: 'bearer  secret-2 ', want: ['second', 'a', 'a'] },
  { dialect: 'cerebras', header: 'Bearer secret-3', want: ['key-3', 'key-3', 'key-3'] },
  { dialect: 'zhipu', header: 'Bearer secret-2', want: ['second', 'a', 'second'] },
  { dialect: 'zhipu', header: 'secret-2', want: undefined },
  { dialect: 'zhipu', header: undefined, want: undefined },
] as const) {
  test(`${dialect}: ${header} is ${want?.join(' of ') ?? 'nobody'}`, () => {
    const who = settle({ dialect, keys: KEYS }).identify(header);
    assert.deepEqual(who && [who.label, who.org, who.owner], want);
  });
}

test('without keys everybody is somebody, and no label tells the secret', () => {
  const { identify } = settle({});
  const [one, again, other] = ['a', 'a', 'b'].map((key) => identify(`Bearer secret-${key}`)?.label);
  assert.match(one ?? '', /^key-[0-9a-f]{8}$/);
  assert.equal(one, again);
  assert.notEqual(one, other);
  assert.equal(identify(undefined)?.label, 'anonymous');
});

test('the limits of an org win over those of a model, and these over the general ones', () => {
  const models = [{ id: 'm', limits: { requestsPerMinute: 2, tokensPerDay: 5 } }, 'n'];
  const { limitsOf, limited } = settle({ keys: KEYS, models, requestsPerMinute: 1, concurrent: 9 });
  assert.deepEqual(limitsOf('a', 'm'), { requestsPerMinute: 3, concurrent: 9, tokensPerDay: 5 });
  assert.deepEqual(limitsOf('key-3', 'm'), {
    requestsPerMinute: 2,
    concurrent: 9,
    tokensPerDay: 5,
  });
  assert.deepEqual(limitsOf('key-3', 'n'), { requestsPerMinute: 1, concurrent: 9 });
  assert.equal(limited, true);
  assert.equal(settle({ keys: [{ key: 'x' }] }).limited, false);
});

test('models: given facts over usual ones, and the star', () => {
  const { models, anyModel } = settle({ models: ['*', { id: 'glm-4.6', contextWindow: 5 }] });
  assert.deepEqual([...models.keys()], ['glm-4.6']);
  assert.deepEqual(models.get('glm-4.6'), {
    id: 'glm-4.6',
    contextWindow: 5,
    maxOutputTokens: 40_960,
    vision: false,
  });
  assert.equal(anyModel, true);
  assert.equal(unlisted('x', 'zhipu').contextWindow, 131_072);
});
