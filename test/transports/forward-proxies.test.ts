/** Which calls go through which forward proxy? */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../lib/config/parse.ts';
import { proxiesFrom } from '../../lib/transports/forward-proxies.ts';

type Environment = Readonly<Record<string, string>>;

const FILE = 'providers: [{ name: cerebras, api_key: a-key }]';
const configured = (env: Environment, text = FILE) =>
  parseConfig(text, 'test.yaml', env).forwardProxies;

function route(env: Environment, url: string): string {
  const { protocol, hostname, port } = new URL(url);
  const proxy = proxiesFrom(configured(env))({
    protocol: protocol as 'http:' | 'https:',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  });
  return proxy === null ? 'direct' : `${proxy.protocol}//${proxy.hostname}:${proxy.port}`;
}

const API = 'https://api.example.com';

const ROUTES: readonly (readonly [env: Environment, url: string, want: string])[] = [
  [{}, API, 'direct'],
  [{ HTTPS_PROXY: 'http://p:3128' }, API, 'http://p:3128'],
  [{ https_proxy: 'http://low:1', HTTPS_PROXY: 'http://up:2' }, API, 'http://low:1'],
  [{ https_proxy: '', HTTPS_PROXY: 'http://up:2' }, API, 'http://up:2'],
  [{ HTTP_PROXY: 'http://p:3128' }, API, 'direct'],
  [{ HTTP_PROXY: 'http://p:3128' }, 'http://10.1.2.3:8000', 'http://p:3128'],
  [{ HTTP_PROXY: 'http://p:3128' }, 'http://127.0.0.1:8000', 'http://p:3128'],
  [{ ALL_PROXY: 'p:3128' }, API, 'http://p:3128'],
  [{ ALL_PROXY: 'p:3128', HTTPS_PROXY: 'https://s' }, API, 'https://s:443'],
  [{ HTTPS_PROXY: 'http://[::1]:3128' }, API, 'http://::1:3128'],
];

const EXCEPTIONS: readonly (readonly [noProxy: string, url: string, direct: boolean])[] = [
  ['*', API, true],
  ['api.example.com', API, true],
  ['API.Example.com', API, true],
  ['example.com', API, true],
  ['.example.com', API, true],
  ['*.example.com', API, true],
  ['.example.com', 'https://example.com', true],
  ['ample.com', API, false],
  ['example.com.evil', API, false],
  ['other.com, example.com', API, true],
  ['other.com example.com', API, true],
  ['example.com:443', API, true],
  ['example.com:8443', API, false],
  ['10.0.0.0/8', 'https://10.9.8.7', true],
  ['10.0.0.0/8', 'https://11.9.8.7', false],
  ['10.0.0.0/99', 'https://10.9.8.7', false],
  ['127.0.0.1', 'https://127.0.0.1:8443', true],
  ['127.0.0.1:1', 'https://127.0.0.1:8443', false],
  ['localhost', 'https://localhost:8443', true],
  ['::1', 'https://[::1]:8443', true],
  ['[::1]:8443', 'https://[::1]:8443', true],
  ['fd00::/8', 'https://[fd12::1]', true],
  ['fd00::/8', 'https://10.0.0.1', false],
  ['', API, false],
];

describe('forward proxies of the environment', () => {
  for (const [env, url, want] of ROUTES) {
    test(`${JSON.stringify(env)}: ${url}`, () => assert.equal(route(env, url), want));
  }
  for (const [noProxy, url, direct] of EXCEPTIONS) {
    test(`NO_PROXY=${noProxy}: ${url}`, () => {
      const env = { HTTPS_PROXY: 'http://p:3128', NO_PROXY: noProxy };
      assert.equal(route(env, url), direct ? 'direct' : 'http://p:3128');
    });
  }
});
