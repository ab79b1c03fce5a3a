/** `tls.ca_file`, as far as the configuration goes; the handshake is in test/tls-upstream.test.ts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../lib/config/faults.ts';
import { loadConfig } from '../../lib/config/load.ts';
import type { Config } from '../../lib/config/types.ts';
import { faultsOf, good, LOCAL } from '../support/configs.ts';
import { TEST_CA, TEST_CA_FILE, TEST_TLS } from '../support/tls.ts';

const root = mkdtempSync(join(tmpdir(), 'cooldown-ca-'));
after(() => rmSync(root, { recursive: true }));

function load(pem: string, more = '', env = {}): Config {
  writeFileSync(join(root, 'ca.pem'), pem);
  writeFileSync(join(root, 'config.yaml'), `tls: { ca_file: ca.pem }\n${more}${LOCAL}`);
  return loadConfig(join(root, 'config.yaml'), env);
}

test('certificates are taken out of the text around them', () => {
  assert.equal(load(`Our own CA\n${TEST_CA}\n# end`).upstreamCa.trim(), TEST_CA.trim());
  const two = load(TEST_CA + TEST_CA).upstreamCa;
  assert.equal(two.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.equal(good(LOCAL).upstreamCa, '');
});

test('what NODE_EXTRA_CA_CERTS names is still trusted', () => {
  const config = load(TEST_CA, '', { NODE_EXTRA_CA_CERTS: TEST_CA_FILE });
  assert.equal(config.upstreamCa.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(load(TEST_CA, '', { NODE_EXTRA_CA_CERTS: join(root, 'nope') }).upstreamCa);
});

const broken = TEST_CA.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
for (const { name, pem, more, why } of [
  { name: 'no PEM', pem: 'hello', more: '', why: /ca_file: holds no certificate in PEM/ },
  { name: 'an empty file', pem: '', more: '', why: /ca_file: holds no certificate/ },
  { name: 'broken', pem: TEST_CA + broken, more: '', why: /certificate 2 cannot be read/ },
  { name: 'a private key', pem: TEST_CA + TEST_TLS.key, more: '', why: /holds a private key/ },
  {
    name: 'fetch',
    pem: TEST_CA,
    more: 'server: { transport: fetch }',
    why: /server\.transport: fetch takes no certificates/,
  },
]) {
  test(`ca_file fault: ${name}`, () => {
    assert.throws(
      () => load(pem, more),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /config\.yaml:1:\d+: tls\.ca_file: /);
        assert.match(error.message, why);
        return true;
      },
    );
  });
}

test('fetch is refused where the environment switches the checks off', () => {
  const text = `server: { transport: fetch }${LOCAL}`;
  const off = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  assert.match(faultsOf(text, off).join(), /transport: fetch would not check certificates/);
  good(text);
  good(LOCAL, off);
});
