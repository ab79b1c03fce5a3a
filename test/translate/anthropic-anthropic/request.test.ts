/** Does a Messages request reach the provider as it was, but for the model and our own thinking? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import { rewrite } from '../../../lib/translate/anthropic-anthropic/request.ts';

const OWN = '{"type":"thinking","thinking":"hm","signature":"cdp1.0badf00d"}';
const THEIRS = '{"type":"thinking","thinking":"hm","signature":"EqQBCgIY"}';
const TEXT = '{"type":"text","text":"say \\"cdp1.x\\" 1.0"}';

const body = (...messages: string[]) =>
  `{ "model":"up","messages":[ ${messages.join(' , ')} ],"n":1.0}`;
const user = '{"role":"user","content":"hi \\"cdp1."}';
const said = (...blocks: string[]) => `{"role":"assistant","content":[ ${blocks.join(' , ')} ]}`;

for (const { name, bytes, out } of [
  {
    name: 'nothing of ours',
    bytes: body(user, said(THEIRS, TEXT)),
    out: body(user, said(THEIRS, TEXT)),
  },
  { name: 'first block', bytes: body(user, said(OWN, TEXT)), out: body(user, said(TEXT)) },
  {
    name: 'two first blocks',
    bytes: body(user, said(OWN, OWN, TEXT)),
    out: body(user, said(TEXT)),
  },
  {
    name: 'a middle block',
    bytes: body(user, said(THEIRS, OWN, TEXT)),
    out: body(user, said(THEIRS, TEXT)),
  },
  { name: 'last block', bytes: body(user, said(TEXT, OWN)), out: body(user, said(TEXT)) },
  { name: 'around', bytes: body(user, said(OWN, TEXT, OWN)), out: body(user, said(TEXT)) },
  {
    name: 'a message of nothing else',
    bytes: body(user, said(OWN), user),
    out: body(user, user),
  },
  { name: 'the first message', bytes: body(said(OWN), user), out: body(user) },
  {
    name: 'whole and part',
    bytes: body(user, said(OWN, TEXT), said(OWN, OWN), user, said(TEXT, OWN)),
    out: body(user, said(TEXT), user, said(TEXT)),
  },
  { name: 'all there is', bytes: body(said(OWN)), out: body(said(OWN)) },
]) {
  test(`own thinking: ${name}`, () => {
    assert.equal(rewrite(Buffer.from(bytes), 'up').toString(), out);
    assert.doesNotThrow(() => JSON.parse(out));
    const asked = bytes.replace('"up"', '"claude-sonnet-4-5"');
    assert.equal(rewrite(Buffer.from(asked), 'up').toString(), out);
  });
}

test('where nothing changes the very bytes go out', () => {
  const bytes = Buffer.from(body(user));
  assert.equal(rewrite(bytes, 'up'), bytes);
});

test("odd messages are the provider's to refuse", () => {
  for (const messages of ['7', '[7,null,{"content":[1,"x",{"type":1}]},{"content":7}]', '{}']) {
    const bytes = Buffer.from(`{"model":"up","x":"cdp1.","messages":${messages}}`);
    assert.equal(rewrite(bytes, 'up'), bytes);
  }
});

test('a body nested too deep is refused', () => {
  const bytes = Buffer.from(`{"model":"x","a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`);
  assert.throws(() => rewrite(bytes, 'up'), GatewayError);
});
