/** What a client proves itself with stays here, however it is spelled and whoever is asked. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Answered, ask, chat, message } from './support/http-client.ts';
import { startProxy } from './support/proxy.ts';
import { completion, type ScriptedProvider, scripted } from './support/scripted.ts';
import { TRANSPORTS } from './support/upstream.ts';

const TOKEN = 'marked-token-of-ann';

/** Every place where clients of some proxy or other put a token. */
const EVERYWHERE = {
  authorization: `Bearer ${TOKEN}`,
  'x-api-key': TOKEN,
  'X-Api-Key-Secret': TOKEN,
  'api-key': TOKEN,
  'x-goog-api-key': TOKEN,
  'Proxy-Authorization': `Basic ${Buffer.from(`ann:${TOKEN}`).toString('base64')}`,
  cookie: `session=${TOKEN}; other=${TOKEN}`,
  'x-auth-token': TOKEN,
  'x-forwarded-authorization': `Bearer ${TOKEN}`,
  'openai-organization': TOKEN,
  referer: `http://127.0.0.1/?key=${TOKEN}`,
  'anthropic-beta': 'fine-2025',
};
const QUERY = `?key=${TOKEN}&api_key=${TOKEN}&access_token=${TOKEN}&beta=true&x=beta=true`;

async function rig(t: TestContext, transport: (typeof TRANSPORTS)[number]['name']) {
  const provider = await scripted([], completion('fine'));
  const proxy = await startProxy(
    `
server: { clients: [{ name: ann, token: ${TOKEN} }] }
providers:
  - { name: o, endpoint: "${provider.url}", models: [m], api_key: key-of-o }
  - { name: a, protocol: anthropic, endpoint: "${provider.url}", models: [n], api_key: key-of-a }
`,
    { transport },
  );
  t.after(async () => {
    await proxy.close();
    await provider.close();
  });
  return { provider, proxy };
}

function assertClean({ received }: ScriptedProvider): void {
  const text = JSON.stringify(received);
  const encoded = Buffer.from(`ann:${TOKEN}`).toString('base64');
  for (const word of [TOKEN, encoded, 'cookie', 'referer', 'proxy-auth']) {
    assert.ok(!text.includes(word), `${word} was sent on`);
  }
}

for (const { name } of TRANSPORTS) {
  test(`${name}: a client's credentials are never sent on, in any spelling`, async (t) => {
    const { provider, proxy } = await rig(t, name);
    const say = (path: string, body: object): Promise<Answered> =>
      ask(`${proxy.url}${path}${QUERY}`, { body, headers: EVERYWHERE });
    await say('/openai/v1/chat/completions', chat('x', { model: 'm' }));
    await say('/openai/embeddings', { model: 'm', input: 'x' });
    await say('/anthropic/v1/messages', message('x', { model: 'm' }));
    await say('/anthropic/v1/messages', message('x', { model: 'n' }));
    assertClean(provider);
    const last = provider.received.at(-1);
    assert.ok(provider.received.length >= 4);
    assert.equal(last?.path, '/v1/messages?beta=true');
    assert.equal(last?.headers['x-api-key'], 'key-of-a');
    assert.equal(last?.headers['anthropic-beta'], 'fine-2025');
  });
}

test('a token in the query, in a cookie or without a scheme is no token', async (t) => {
  const { provider, proxy } = await rig(t, 'http');
  for (const headers of [
    {},
    { cookie: `token=${TOKEN}` },
    { 'proxy-authorization': `Bearer ${TOKEN}` },
    { authorization: TOKEN },
    { authorization: `Basic ${TOKEN}` },
  ]) {
    const url = `${proxy.url}/openai/v1/chat/completions${QUERY}`;
    const answer = await ask(url, { body: chat('x', { model: 'm' }), headers });
    assert.equal(answer.status, 401);
    assert.ok(!answer.text.includes(TOKEN));
  }
  assert.equal(provider.received.length, 0);
  assert.ok(!JSON.stringify(proxy.log).includes(TOKEN));
});
