import assert from 'node:assert/strict';
import test from 'node:test';
import { errorOf, message } from '../support/http-client.ts';
import { road } from '../support/road.ts';
import { completion } from '../support/scripted.ts';

const sentBody = (text: string | undefined): Record<string, unknown> => JSON.parse(text ?? '{}');

test('the prompt is put into the words of the provider that was chosen', async (t) => {
  const rig = await road(t, {
    models: '[{ id: glm-4.6, upstream: zai-glm-4.6 }]',
    otherwise: [{ status: 500, body: {} }, completion('x')],
  });
  await rig.messages(message('x'));
  for (const { received } of rig.providers) {
    const { model, messages } = sentBody(received[0]?.body);
    assert.equal(model, 'zai-glm-4.6');
    assert.ok(JSON.stringify(messages).includes('"x"'));
  }
});

const INJECTION = `
reasoning_injection: { enabled: true, models: [glm-4.6], prompt_template: "THINK-FIRST" }
`;

for (const { name, more, injected } of [
  { name: 'a model of the list', more: {}, injected: true },
  { name: 'through a tier', more: { model: 'claude-opus-4-5' }, injected: true },
  { name: 'a model that is not listed', more: { model: 'glm-4.5-air' }, injected: false },
  { name: 'thinking is off', more: { thinking: { type: 'disabled' } }, injected: false },
]) {
  test(`reasoning prompt: ${name}`, async (t) => {
    const rig = await road(t, { config: INJECTION });
    await rig.messages(message('x', more));
    const times = rig.provider.received[0]?.body.split('THINK-FIRST').length;
    assert.equal(times, injected ? 2 : 1, rig.provider.received[0]?.body);
  });
}

test('the prompt is injected once, however often the request is tried', async (t) => {
  const rig = await road(t, {
    config: INJECTION,
    answers: [
      { status: 500, body: {} },
      { status: 500, body: {} },
    ],
  });
  await rig.messages(message('x'));
  assert.equal(rig.provider.received.length, 3);
  for (const { body } of rig.provider.received) {
    assert.equal(body.split('THINK-FIRST').length, 2);
  }
});

test('a prompt that cannot fit is refused here, and costs nothing', async (t) => {
  const rig = await road(t, {
    models: '[{ id: glm-4.6, context_window: 1000 }]',
    keys: ['{ max_requests_per_minute: 1 }'],
  });
  const answer = await rig.messages(message('many words '.repeat(2_000)));
  assert.equal(answer.status, 400);
  const [, tokens, maximum] =
    /^prompt is too long: (\d+) tokens > (\d+) maximum$/.exec(errorOf(answer).message) ?? [];
  assert.equal(maximum, '1000');
  assert.ok(Number(tokens) > 1_000);
  assert.equal(rig.provider.received.length, 0);
  assert.equal((await rig.messages(message('x'))).status, 200, 'the only request of this minute');
});
