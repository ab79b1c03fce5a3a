import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext, rootCertificates } from 'node:tls';
import { withOwnRoots } from '../../lib/transports/roots.ts';
import { TEST_CA } from '../support/tls.ts';

test('certificates come on top of those that Node has', () => {
  const all = withOwnRoots(TEST_CA);
  assert.ok(all.endsWith(TEST_CA));
  assert.ok(all.includes(rootCertificates[0] as string));
  const count = all.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
  assert.ok(count > rootCertificates.length / 2, String(count));
  assert.doesNotThrow(() => createSecureContext({ ca: all }));
});
