import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorRule } from '../../lib/providers/types.ts';
import { DEFAULT_RULES, LAST_RULES } from '../../lib/quotas/default-rules.ts';

const nameOf = ({ status, code, text, action, scope }: ErrorRule): string =>
  `${status ?? code ?? String(text).slice(0, 30)}: ${action} ${scope}`;

for (const [index, rule] of DEFAULT_RULES.entries())
  test(`default rule ${index}: ${nameOf(rule)}`, () => {
    assert.ok(rule.status !== undefined || rule.code !== undefined || rule.text !== undefined);
    assert.match(rule.reason, /^[a-z_]+$/);
    const rests = rule.action === 'cool' || rule.action === 'disable';
    assert.notEqual(rests && rule.scope === 'request', true, 'a request cannot rest');
    if (rule.action === 'give-up') assert.equal(rule.scope, 'request');
  });

test('what the request is at fault for punishes nobody, whatever the text', () => {
  for (const status of [400, 404, 410, 413, 422, 451]) {
    const [first] = DEFAULT_RULES.filter(
      (rule) => rule.status?.includes(status) === true && rule.action === 'cool',
    );
    assert.equal(first, undefined, `${status}`);
  }
  assert.equal(LAST_RULES.refused.action, 'give-up');
  assert.equal(LAST_RULES.failed.action, 'retry');
});
