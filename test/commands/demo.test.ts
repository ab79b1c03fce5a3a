import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, chat, message } from '../support/http-client.ts';
import { program } from '../support/program.ts';

test('the demo says what it is, answers in both dialects, and stops cleanly', async (t) => {
  const env = { ANTHROPIC_DEFAULT_OPUS_MODEL: 'of-another-provider' };
  const demo = program(t, ['demo', '-port', '0'], { env });
  const url = await demo.listening();
  const [first = ''] = demo.out.split('\n');
  assert.match(first, /^Demo: the embedded provider simulator/);
  const body = message('demo: say hello there', { model: 'claude-opus-4-5', stream: true });
  const answer = await ask(`${url}/anthropic/v1/messages`, { body });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /event: message_stop/);
  const models = ['gpt-4o', 'glm-4.5-air'];
  for (const model of models) {
    const said = await ask(`${url}/openai/v1/chat/completions`, { body: chat('hi', { model }) });
    assert.equal(said.status, 200, model);
  }
  demo.child.kill('SIGINT');
  assert.equal(await demo.ended, 0);
});

test('run --or-demo is the demo where nothing is configured', async (t) => {
  const run = program(t, ['run', '--or-demo', '-port', '0']);
  await run.listening();
  assert.match(run.out, /^Demo: /);
});
