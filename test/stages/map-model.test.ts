import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, chat, errorOf, message } from '../support/http-client.ts';
import { startProxy } from '../support/proxy.ts';
import { road } from '../support/road.ts';
import { scripted } from '../support/scripted.ts';

test('a client pins a provider', async (t) => {
  const rig = await road(t, {
    otherwise: [
      { status: 500, body: {} },
      { status: 418, body: {} },
    ],
  });
  const answer = await rig.messages(message('x', { model: 'p2/glm-4.6' }));
  assert.equal(answer.status, 400, 'what p2 says is the answer, p1 is not asked');
  assert.equal(answer.headers['x-cooldown-provider'], 'p2');
  assert.equal(rig.provider.received.length, 0);
});

test('an OpenAI client passes over the providers that it cannot reach yet', async (t) => {
  const [far, near] = [await scripted(), await scripted()];
  const proxy = await startProxy(`
providers:
  - name: far
    protocol: anthropic
    endpoint: ${far.url}
    models: [m, only-far]
    api_key: key-77-a
  - { name: near, endpoint: "${near.url}", models: [m], api_key: key-77-b }
`);
  t.after(async () => {
    await proxy.close();
    await far.close();
    await near.close();
  });
  const url = `${proxy.url}/openai/chat/completions`;
  const served = await ask(url, { body: chat('x', { model: 'm' }) });
  assert.deepEqual([served.status, served.headers['x-cooldown-provider']], [200, 'near']);
  const refused = await ask(url, { body: chat('x', { model: 'only-far' }) });
  assert.equal(refused.status, 400);
  assert.match(errorOf(refused).message, /"far".*anthropic protocol/);
  assert.equal(far.received.length, 0);
});

test('the metrics know a model by its configured id, however it was asked for', async (t) => {
  const rig = await road(t);
  for (const model of ['claude-opus-4-5[1m]', 'GLM-4.6', 'p1/glm-4.6']) {
    await rig.messages(message('x', { model }));
  }
  const { text } = await rig.ask('/metrics');
  assert.match(text, /^cooldown_requests_total\{[^}]*model="glm-4.6",status="200"\} 3$/m);
});
