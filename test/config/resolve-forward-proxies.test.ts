/** Which forward proxies does the environment name, and what is said of one that cannot be read? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../lib/config/parse.ts';

const FILE = 'providers: [{ name: cerebras, api_key: a-key }]';
const configured = (env: Readonly<Record<string, string>>, text = FILE) =>
  parseConfig(text, 'test.yaml', env).forwardProxies;

test('user and password become Basic credentials', () => {
  const { https } = configured({ HTTPS_PROXY: 'http://me:p%40ss@p:1' });
  assert.equal(https?.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
});

for (const [name, value] of [
  ['HTTPS_PROXY', 'socks5://me:secret-word@p:1080'],
  ['https_proxy', 'http://me:secret-word@:99999'],
  ['HTTP_PROXY', 'http://'],
  ['ALL_PROXY', 'http://me:secret-word%zz@p'],
] as const) {
  test(`${name} that cannot be read is an error without its value`, () => {
    assert.throws(
      () => configured({ [name]: value }),
      (thrown: Error) => thrown.message.includes(name) && !thrown.message.includes('secret-word'),
    );
  });
}

test('fetch takes no forward proxy, and says so', () => {
  const text = `server: { transport: fetch }\n${FILE}`;
  assert.throws(() => configured({ HTTPS_PROXY: 'p:1' }, text), /fetch takes no forward proxy/);
  configured({ HTTPS_PROXY: 'p:1', NO_PROXY: '*' }, text);
});
