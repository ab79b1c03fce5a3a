/** Does no spelling of a secret survive, and does everything else? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRedactor } from '../../lib/telemetry/redact.ts';

const ODD = 'p"q\\r/s t+ü&=?';
const PLAIN = 'correct-horse-battery';
const ZHIPU = '0123456789abcdef0123456789abcdef.Ab3dEf6hIj9lMn2p';
const redact = makeRedactor([PLAIN, ODD, ZHIPU, 'tiny', 'abc', '', 'correct-horse']);

const base64 = (text: string) => Buffer.from(text).toString('base64');

for (const { name, text, want } of [
  { name: 'alone', text: PLAIN, want: '[redacted]' },
  { name: 'twice', text: `${PLAIN},${PLAIN}`, want: '[redacted],[redacted]' },
  { name: 'inside a word', text: `x${PLAIN}y`, want: 'x[redacted]y' },
  { name: 'the longer of two that begin alike', text: PLAIN, want: '[redacted]' },
  { name: 'the shorter of two that begin alike', text: 'correct-horse!', want: '[redacted]!' },
  { name: 'plain, odd characters', text: `a ${ODD} b`, want: 'a [redacted] b' },
  {
    name: 'JSON-escaped',
    text: JSON.stringify({ key: ODD }),
    want: '{"key":"[redacted]"}',
  },
  { name: 'URL-encoded', text: `?k=${encodeURIComponent(ODD)}&x=1`, want: '?k=[redacted]&x=1' },
  {
    name: 'URL-encoded in small letters',
    text: encodeURIComponent(ODD).replace(/%../g, (found) => found.toLowerCase()),
    want: '[redacted]',
  },
  { name: 'base64', text: `Basic ${base64(PLAIN)}`, want: 'Basic [redacted]' },
  { name: 'base64url', text: Buffer.from(ODD).toString('base64url'), want: '[redacted]' },
  { name: 'short secret', text: 'a tiny one', want: 'a [redacted] one' },
  { name: 'too short to be one', text: 'abc', want: 'abc' },
  { name: 'the secret half of a Zhipu key', text: 'Ab3dEf6hIj9lMn2p', want: '[redacted]' },
])
  test(`configured: ${name}`, () => assert.equal(redact(text), want));

for (const before of ['', 'u', 'us', 'user:'])
  test(`configured: inside a longer base64 text, ${before.length} bytes in`, () => {
    const encoded = base64(`${before}${PLAIN}tail`);
    const left = redact(encoded);
    assert.match(left, /\[redacted\]/);
    assert.ok(left.length - '[redacted]'.length <= before.length * 1.34 + 4 + 8, left);
  });

for (const { name, text, want } of [
  { name: 'OpenAI', text: 'key sk-proj-Ab12Cd34Ef56', want: 'key [redacted]' },
  { name: 'OpenAI, masked', text: 'provided: sk-abcd****wxyz.', want: 'provided: [redacted].' },
  { name: 'Anthropic', text: '"sk-ant-api03-xyz_123"', want: '"[redacted]"' },
  { name: 'Cerebras', text: 'csk-abcdefgh12', want: '[redacted]' },
  {
    name: 'Bearer',
    text: 'authorization: Bearer eyJhbGciOi.J9',
    want: 'authorization: Bearer [redacted]',
  },
  { name: 'bearer', text: 'bearer   abcdefgh', want: 'bearer   [redacted]' },
  { name: 'Zhipu', text: `${'af'.repeat(16)}.abcdefghijklmnop`, want: '[redacted]' },
  {
    name: 'a word with sk- in it',
    text: 'task-management disk-usage',
    want: 'task-management disk-usage',
  },
  { name: 'a short sk-', text: 'sk-learn', want: 'sk-learn' },
  { name: 'Bearer as a word', text: 'Bearer of bad news', want: 'Bearer of bad news' },
  {
    name: 'a request id',
    text: 'req_011CSHoEeqs5C35K2UUqR7Fy',
    want: 'req_011CSHoEeqs5C35K2UUqR7Fy',
  },
  { name: 'a model', text: 'cerebras/gpt-oss-120b', want: 'cerebras/gpt-oss-120b' },
])
  test(`by its looks: ${name}`, () => assert.equal(makeRedactor([])(text), want));

test('redacting twice changes nothing', () => {
  for (const text of [PLAIN, `Bearer ${PLAIN}`, 'Bearer abcdefgh12', 'sk-abcdefgh12']) {
    assert.equal(redact(redact(text)), redact(text));
  }
});

test('half a surrogate pair in a secret is no error', () => {
  assert.equal(makeRedactor(['broken\ud800secret'])('a broken\ud800secret'), 'a [redacted]');
});

test('a `$` in a text or secret is only a `$`', () => {
  const dollars = makeRedactor(["pa$$w0rd$&$'"]);
  assert.equal(dollars("$1 pa$$w0rd$&$' $&"), '$1 [redacted] $&');
});

test('generated secrets: no spelling survives in any surroundings', () => {
  let seed = 20_261;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const letters = 'abcXYZ019-_./+="\\\'%&?{}[]()*^$|<> ü€';
  const word = (length: number) =>
    Array.from({ length }, () => letters[random(letters.length)]).join('');
  for (let round = 0; round < 300; round++) {
    const secret = `${word(4)}#${word(4 + random(30))}`; // `#` keeps it apart from the surroundings
    const cut = makeRedactor([secret, word(12)]);
    for (const spelling of [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      base64(secret),
    ]) {
      const left = cut(`${word(random(9))}${spelling}${word(random(9))}`);
      assert.ok(!left.includes(spelling), `seed 20261, round ${round}: ${spelling}`);
    }
  }
});
