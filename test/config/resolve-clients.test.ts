import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CLIENTS } from '../../lib/limits.ts';
import { faultsOf, good, LOCAL, warningsOf } from '../support/configs.ts';

const clients = (list: string, more = '') => `server: { ${more}clients: [${list}] }${LOCAL}`;

test('a client with everything, and one with a token alone', () => {
  const all = `{ name: ann, token: " tok-a ", requests_per_minute: 5, tokens_per_minute: 6,
    tokens_per_day: 7, max_concurrent: 8, models: [GLM-4.6, "claude-*"] }`;
  const { server, secrets } = good(clients(`${all}, { name: Bob, token: "\${T}" }`), {
    T: 'tok-b',
  });
  assert.deepEqual(server.clients, [
    {
      name: 'ann',
      token: 'tok-a',
      requestsPerMinute: 5,
      tokensPerMinute: 6,
      tokensPerDay: 7,
      maxConcurrent: 8,
      models: ['glm-4.6', 'claude-*'],
    },
    {
      name: 'Bob',
      token: 'tok-b',
      requestsPerMinute: 0,
      tokensPerMinute: 0,
      tokensPerDay: 0,
      maxConcurrent: 0,
      models: [],
    },
  ]);
  assert.equal(server.apiKeyRequired, true);
  assert.deepEqual(secrets, ['tok-a', 'tok-b']);
});

test('tokens without a name may stand beside clients', () => {
  const text = clients('{ name: ann, token: tok-a }', 'auth_tokens: [tok-b], ');
  assert.deepEqual(good(text).server.authTokens, ['tok-b']);
  assert.deepEqual(warningsOf(text), []);
  good(clients('{ name: ann, token: a }', 'api_key_required: true, '));
});

test('with clients a public address needs nothing more', () => {
  good(clients('{ name: ann, token: tok-a }', 'bind_address: 0.0.0.0, '));
});

for (const { name, text, why } of [
  { name: 'no name', text: clients('{ token: a }'), why: /clients\[0\]\.name: every client needs/ },
  { name: 'odd name', text: clients('{ name: "a b", token: a }'), why: /name: wants up to 64/ },
  {
    name: 'one name twice',
    text: clients('{ name: ann, token: a }, { name: ANN, token: b }'),
    why: /clients\[1\]\.name: "ANN" is taken by the client in line 1/,
  },
  { name: 'no token', text: clients('{ name: ann }'), why: /clients\[0\]: has no token/ },
  {
    name: 'two tokens',
    text: clients('{ name: ann, token: a, token_file: /b }'),
    why: /has both token and token_file/,
  },
  { name: 'empty', text: clients(`{ name: ann, token: "\${T:}" }`), why: /token: is empty/ },
  { name: 'unset', text: clients(`{ name: ann, token: "\${T}" }`), why: /variable T is not set/ },
  {
    name: 'a blank in it',
    text: clients('{ name: ann, token: "secret one" }'),
    why: /token: holds characters/,
  },
  {
    name: 'the token of another client',
    text: clients('{ name: ann, token: secret-1 }, { name: bob, token: secret-1 }'),
    why: /clients\[1\]\.token: the same token is already one of client "ann"/,
  },
  {
    name: 'a token of everyone',
    text: clients('{ name: ann, token: secret-1 }', 'auth_tokens: [secret-1], '),
    why: /clients\[0\]\.token: the same token is already one of server\.auth_tokens/,
  },
  {
    name: 'tokens that nobody is asked for',
    text: clients('{ name: ann, token: a }', 'api_key_required: false, '),
    why: /server\.api_key_required: is false, but server\.clients have tokens/,
  },
  { name: 'no model', text: clients('{ name: ann, token: a, models: [""] }'), why: /models\[0\]/ },
  { name: 'rpm', text: clients('{ name: ann, token: a, rpm: 5 }'), why: /"requests_per_minute"/ },
  {
    name: 'too many',
    text: clients(
      Array.from({ length: MAX_CLIENTS + 1 }, (_, n) => `{ name: c${n}, token: t${n} }`).join(),
    ),
    why: /server\.clients: lists more than 1000 clients/,
  },
]) {
  test(`client fault: ${name}`, () => {
    const faults = faultsOf(text);
    assert.match(faults.join('\n'), why);
    assert.doesNotMatch(faults.join('\n'), /secret/);
    assert.equal(faults.length, 1);
  });
}
