/** Is only this machine ever put under load, and does a wrong name get the list of names? */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { loopbackUrl, SCENARIOS, scenariosNamed } from '../../../bench/load/scenarios.ts';
import { ROOT } from '../../support/source.ts';

for (const url of ['http://127.0.0.1:5730', 'http://localhost:1/x', 'http://[::1]:5730'])
  test(`loopback: ${url}`, () => assert.equal(loopbackUrl(url).protocol, 'http:'));

for (const url of [
  'http://192.0.2.1:5730',
  'https://127.0.0.1:5730',
  'http://127.0.0.1.example:80',
  'http://localhost.example',
  'http://127.0.0.1@192.0.2.1',
  '127.0.0.1:5730',
  '',
])
  test(`refused: "${url}"`, () => assert.throws(() => loopbackUrl(url), RangeError));

test('an unknown scenario', () => {
  assert.throws(
    () => scenariosNamed('nope'),
    /there are json, json-50kb, .*, quota, streams, stall/,
  );
  assert.equal(scenariosNamed(''), SCENARIOS);
  assert.deepEqual(
    scenariosNamed('sse, messages').map(({ name }) => name),
    ['sse', 'messages'],
  );
});

for (const { name, env, args, told } of [
  { name: 'another machine', env: { URL: 'http://192.0.2.1' }, args: [], told: /only a proxy on/ },
  { name: 'no model', env: { URL: 'http://127.0.0.1:9' }, args: [], told: /MODEL must say/ },
  { name: 'no number', env: { CONNECTIONS: '1,x' }, args: ['json'], told: /CONNECTIONS must be/ },
  { name: 'too many', env: { STREAMS: '9999999' }, args: ['streams'], told: /raise ulimit/ },
  { name: 'a wrong scenario', env: {}, args: ['nope'], told: /no scenario is called "nope"/ },
])
  test(`load refuses with exit 2: ${name}`, () => {
    const command = ['--import', 'tsx', 'bench/load.ts', ...args];
    const options = { cwd: ROOT, env: { ...process.env, ...env }, timeout: 20_000 };
    const { status, stderr } = spawnSync(process.execPath, command, {
      ...options,
      encoding: 'utf8',
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, told);
  });
