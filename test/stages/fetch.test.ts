import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, chat, message } from '../support/http-client.ts';
import { startProxy } from '../support/proxy.ts';
import { metricOf, road, TOKEN } from '../support/road.ts';
import { scripted } from '../support/scripted.ts';
import { until } from '../support/upstream.ts';

test('what a provider is sent: its key, JSON, nothing of the client’s', async (t) => {
  const {
    chat: complete,
    messages,
    provider,
  } = await road(t, { provider: '    headers: { x-team: blue }' });
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    'x-api-key': TOKEN,
    cookie: `session=${TOKEN}`,
    'user-agent': 'claude-cli/2.1',
    'anthropic-beta': 'a',
    'x-forwarded-for': '10.0.0.1',
  };
  await complete(chat('x'), headers);
  await messages(message('x'), headers);
  for (const sent of provider.received) {
    assert.deepEqual(Object.keys(sent.headers).sort(), [
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'x-team',
    ]);
    assert.equal(sent.headers.authorization, 'Bearer key-secret-1-k1');
    assert.match(String(sent.headers['user-agent']), /^cooldown-proxy\//);
    assert.equal(sent.headers['content-type'], 'application/json');
    assert.equal(sent.headers.accept, 'application/json');
  }
});

test('a streaming client makes a streaming call', async (t) => {
  const { chat: complete, provider } = await road(t);
  await complete(chat('x', { stream: true }));
  assert.equal(provider.received[0]?.headers.accept, 'text/event-stream');
});

for (const { endpoint, want } of [
  { endpoint: '', want: '/v1/messages' },
  { endpoint: '/v1', want: '/v1/messages' },
  { endpoint: '/api/anthropic', want: '/api/anthropic/v1/messages' },
]) {
  test(`a Messages provider at "${endpoint}" is called at ${want}`, async (t) => {
    const provider = await scripted([], { status: 400, body: {} });
    const root = provider.url.replace(/\/v1$/, '');
    const proxy = await startProxy(`
providers:
  - name: far
    protocol: anthropic
    endpoint: ${root}${endpoint}
    models: [m]
    api_key: some-key-77
`);
    t.after(async () => {
      await proxy.close();
      await provider.close();
    });
    await ask(`${proxy.url}/anthropic/v1/messages`, { body: message('x', { model: 'm' }) });
    assert.equal(provider.received[0]?.path, want);
  });
}

test('attempts are counted by the status they got', async (t) => {
  const rig = await road(t, {
    answers: [(response) => response.destroy(), { status: 500, body: {} }],
  });
  assert.equal((await rig.chat(chat('x'))).status, 200);
  const sent = await metricOf(rig, 'cooldown_upstream_requests_total');
  const labels = 'provider="p1",key="k1",model="glm-4.6"';
  assert.deepEqual(sent, [
    `{${labels},status="none"} 1`,
    `{${labels},status="500"} 1`,
    `{${labels},status="200"} 1`,
  ]);
});

test('a client that leaves while it is asked: the call is ended', async (t) => {
  const rig = await road(t, { answers: [() => {}] });
  const live = rig.open('/openai/chat/completions', { body: chat('x') });
  await until(() => rig.provider.received.length === 1);
  live.hangUp();
  await until(() => rig.provider.received[0]?.cut === true);
});
