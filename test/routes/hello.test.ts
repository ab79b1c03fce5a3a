import assert from 'node:assert/strict';
import test from 'node:test';
import { road } from '../support/road.ts';

for (const path of ['/anthropic', '/anthropic/', '/anthropic?x=1', '/anthropic/api/hello']) {
  test(`a probe of ${path} is answered`, async (t) => {
    const { ask, provider } = await road(t);
    const head = await ask(path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    const { status, text } = await ask(path);
    assert.equal(status, 200);
    assert.doesNotThrow(() => JSON.parse(text));
    assert.equal(text.trim().split('\n').length, 1);
    assert.equal(provider.received.length, 0);
  });
}
