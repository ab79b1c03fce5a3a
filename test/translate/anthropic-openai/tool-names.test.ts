/** What tools are called upstream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToolNames } from '../../../lib/translate/anthropic-openai/tool-names.ts';

const LONG = 'mcp__some_server_with_a_rather_long_name__some_tool_with_a_long_name';

for (const { name, given, want } of [
  { name: 'a plain name stays', given: 'Read', want: /^Read$/ },
  { name: 'a name of 64 characters stays', given: 'n'.repeat(64), want: /^n{64}$/ },
  { name: 'one of 65 is cut', given: 'n'.repeat(65), want: /^n{55}_[0-9a-f]{8}$/ },
  { name: 'other characters are replaced', given: 'a.b c/ü', want: /^a_b_c___[0-9a-f]{8}$/ },
  { name: 'no name gets one', given: '', want: /^_[0-9a-f]{8}$/ },
]) {
  test(`tool names: ${name}`, () => {
    const names = new ToolNames([given]);
    const made = names.upstream(given);
    assert.match(made, want);
    assert.match(made, /^[a-zA-Z0-9_-]{1,64}$/);
    assert.equal(names.changed.get(made), made === given ? undefined : given);
  });
}

test('tool names: the same in every request, whatever else is offered', () => {
  const alone = new ToolNames([LONG]).upstream(LONG);
  const among = new ToolNames(['Read', `${LONG}_2`, LONG]);
  among.upstream(`${LONG}_2`);
  assert.equal(among.upstream(LONG), alone);
  assert.equal(among.upstream(LONG), alone, 'asked twice');
});

test('tool names: long names that begin alike stay apart', () => {
  const names = new ToolNames([]);
  const made = Array.from({ length: 500 }, (_, index) => names.upstream(`${LONG}${index}`));
  assert.equal(new Set(made).size, 500);
  assert.equal(names.changed.size, 500);
});

test('tool names: a shortened one never takes the name of another tool', () => {
  const taken = new ToolNames([]).upstream(LONG);
  const names = new ToolNames([taken, LONG]);
  const made = names.upstream(LONG);
  assert.equal(names.upstream(taken), taken);
  assert.notEqual(made, taken);
  assert.equal(names.changed.get(made), LONG);
});
