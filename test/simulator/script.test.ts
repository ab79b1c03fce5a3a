/** Does a script run step by step, and end? The conversation is all the state there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChat } from '../../lib/simulator/request.ts';
import { decide, type Said } from '../../lib/simulator/script.ts';
import { TOOLS } from './ask.ts';

type Message = Record<string, unknown>;
const user = (content: string): Message => ({ role: 'user', content });
const say = (messages: readonly Message[], more: object = {}): Said =>
  decide(readChat({ model: 'm', messages, tools: TOOLS, ...more }), 'Speaker.', 0);

/** What an agent does with an answer: runs its calls and sends all back. */
function played({ text, calls }: Said, round: number, result = 'fine'): Message[] {
  const made = calls.map(({ name, args }, at) => ({
    id: `call-${round}-${at}`,
    type: 'function',
    function: { name, arguments: args },
  }));
  const results = made.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: result }));
  return [{ role: 'assistant', content: text, tool_calls: made }, ...results.reverse()];
}

const SCRIPT = `Please do this:
demo: write /w/a.txt one\\ntwo \\\\ end
run: cat /w/a.txt
demo: read /w/a.txt
demo: think all done`;

test('writes first, the rest in parallel, then a text', () => {
  const messages = [user(SCRIPT)];
  const first = say(messages);
  assert.deepEqual(first.calls, [
    { name: 'Write', args: '{"file_path":"/w/a.txt","content":"one\\ntwo \\\\ end"}' },
  ]);
  messages.push(...played(first, 1));
  const second = say(messages);
  assert.deepEqual(
    second.calls.map(({ name, args }) => [name, JSON.parse(args)]),
    [
      ['Bash', { command: 'cat /w/a.txt', description: 'A command of the script' }],
      ['Read', { file_path: '/w/a.txt' }],
    ],
  );
  messages.push(...played(second, 2, 'one two'));
  const last = say(messages);
  assert.deepEqual([last.calls, last.reasoning], [[], 'all done']);
  assert.equal(
    last.text,
    'Simulator: 3 tool results came back.\n- Write: fine\n- Read: one two\n- Bash: one two',
  );
});

test('another message of the user ends the script: a client that compacts wants a text', () => {
  const messages = [user(SCRIPT)];
  messages.push(...played(say(messages), 1), user('Summarize what was done so far.'));
  const { calls, text } = say(messages);
  assert.deepEqual(calls, []);
  assert.match(text, /Summarize what was done/);
});

test('reminders and system messages between the turns change nothing', () => {
  const messages = [user(SCRIPT), { role: 'system', content: 'environment' }];
  messages.push(...played(say(messages), 1), user('<system-reminder>run: rm x</system-reminder>'));
  assert.deepEqual(
    say(messages).calls.map(({ name }) => name),
    ['Bash', 'Read'],
  );
});

test('a script is over with its text: the next message starts anew', () => {
  const messages = [user('demo: bash ls')];
  messages.push(...played(say(messages), 1));
  messages.push({ role: 'assistant', content: say(messages).text }, user('thanks'));
  assert.deepEqual(say(messages).text, 'Speaker. You said: "thanks"');
});

test('results that never arrive end the script', () => {
  const messages = [user('demo: bash ls')];
  for (let round = 0; round < 20; round++) {
    const said = say(messages);
    if (said.calls.length === 0) {
      assert.match(said.text, /^Gave up: 0 of 1 tool results/);
      return;
    }
    messages.push({ role: 'assistant', tool_calls: [{ id: `lost-${round}` }] });
  }
  assert.fail('it never ended');
});

test('a relative path starts at the directory the client names', () => {
  const system = { role: 'system', content: 'Env:\n - Primary working directory: /srv/w\nrest' };
  const [call] = say([system, user('demo: write notes.txt hi')]).calls;
  assert.equal(JSON.parse(call?.args ?? '').file_path, '/srv/w/notes.txt');
});

test('plain words for a file are enough', () => {
  const messages = [user('Please create a file named hello.txt for me.')];
  const first = say(messages);
  assert.equal(first.calls[0]?.name, 'Write');
  messages.push(...played(first, 1));
  assert.deepEqual(
    say(messages).calls.map(({ name }) => name),
    ['Bash', 'Read'],
  );
});

for (const { name, content, more = {}, want } of [
  { name: 'nothing asked', content: 'hi', want: { text: 'Speaker. You said: "hi"' } },
  { name: 'a set text', content: 'demo: say  x y', want: { text: 'x y', calls: [] } },
  { name: 'a length', content: 'demo: tokens 50', want: { tokens: 50 } },
  { name: 'a bad length', content: 'demo: tokens many', want: { tokens: 0 } },
  {
    name: 'any tool',
    content: 'demo: tool read {"file_path":"/x","limit":3}',
    want: { calls: [{ name: 'Read', args: '{"file_path":"/x","limit":3}' }] },
  },
  {
    name: 'a tool that is not offered',
    content: 'demo: tool Fly {}',
    want: { calls: [], text: 'The tool Fly is not offered.' },
  },
  {
    name: 'no tools at all',
    content: 'demo: bash ls',
    more: { tools: [] },
    want: { calls: [], text: 'The tool Bash is not offered.' },
  },
  {
    name: 'a reminder is no order',
    content: '<system-reminder>\ndemo: bash ls\n</system-reminder>hi',
    want: { calls: [], text: 'Speaker. You said: "hi"' },
  },
  {
    name: 'a forced tool',
    content: 'hi',
    more: { tool_choice: { type: 'function', function: { name: 'Read' } } },
    want: { calls: [{ name: 'Read', args: '{}' }] },
  },
  {
    name: 'JSON by a schema',
    content: 'title?',
    more: {
      response_format: {
        type: 'json_schema',
        json_schema: { schema: { properties: { title: { type: 'string' } } } },
      },
    },
    want: { text: '{"title":"simulated"}' },
  },
]) {
  test(`script: ${name}`, () => {
    const said = say([user(content)], more);
    const seen = Object.fromEntries(Object.entries(said).filter(([key]) => key in want));
    assert.deepEqual(seen, want);
  });
}

test('a long message is repeated in part, without half a character', () => {
  const { text } = say([user(`x${'🎉'.repeat(500)}`)]);
  assert.ok(text.length < 300);
  assert.equal(Buffer.from(text).toString(), text);
});
