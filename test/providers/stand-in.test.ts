import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, message } from '../support/http-client.ts';
import { startProxy } from '../support/proxy.ts';
import { completion, scripted } from '../support/scripted.ts';

const TOOL = { name: 'Look', description: 'looks', input_schema: { type: 'object' } };

test("a stand-in for a vendor is not sent the vendor's own fields", async () => {
  const provider = await scripted([], completion('x'));
  const yaml = (endpoint: string) => `
providers:
  - { name: zhipu, endpoint: "${endpoint}", models: [glm-4.6], api_key: key-secret-zhipu }
`;
  const proxy = await startProxy(yaml(provider.url));
  const metadata = { user_id: 'someone-at-a-terminal' };
  const body = message('x', { metadata, tools: [TOOL], stream: true });
  await ask(`${proxy.url}/anthropic/v1/messages`, { body });
  const sent = JSON.parse(provider.received[0]?.body ?? '{}');
  assert.equal(sent.tools.length, 1);
  assert.equal(sent.tool_stream, undefined);
  assert.equal(sent.user_id, undefined);
  await proxy.close();
  await provider.close();
  const real = await startProxy(yaml('https://open.bigmodel.cn/api/paas/v4'));
  const { chat } = real.gateway.providers[0] ?? {};
  assert.deepEqual([chat?.toolStream, chat?.userField], [true, 'user_id']);
  await real.close();
});
