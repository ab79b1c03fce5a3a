import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, good, LOCAL } from '../support/configs.ts';

const XDG = { XDG_STATE_HOME: '/var/me', HOME: '/u/me' };

for (const { name, text = '', env = {}, want } of [
  { name: 'nothing is known of the user', want: '' },
  {
    name: 'home',
    env: { HOME: '/u/me' },
    want: '/u/me/.local/state/cooldown-proxy/state.json',
  },
  { name: 'XDG', env: XDG, want: '/var/me/cooldown-proxy/state.json' },
  {
    name: 'a relative XDG folder is none',
    env: { ...XDG, XDG_STATE_HOME: 'me' },
    want: '/u/me/.local/state/cooldown-proxy/state.json',
  },
  { name: 'a relative home is none', env: { HOME: 'me' }, want: '' },
  {
    name: 'systemd wins',
    env: { ...XDG, STATE_DIRECTORY: '/var/lib/p:/var/lib/q' },
    want: '/var/lib/p/state.json',
  },
  {
    name: 'an empty one from systemd is none',
    env: { ...XDG, STATE_DIRECTORY: '' },
    want: '/var/me/cooldown-proxy/state.json',
  },
  { name: 'off', text: 'state: { file: "" }', env: XDG, want: '' },
  { name: 'off by a variable', text: `state: { file: "\${S:}" }`, env: XDG, want: '' },
  { name: 'a path', text: 'state: { file: /tmp/s.json }', env: XDG, want: '/tmp/s.json' },
  { name: 'a relative path', text: 'state: { file: s/t.json }', env: XDG, want: 's/t.json' },
  { name: '~/', text: 'state: { file: ~/a/s.json }', env: XDG, want: '/u/me/a/s.json' },
  { name: '~ alone is a name', text: 'state: { file: "~x" }', env: XDG, want: '~x' },
]) {
  test(`state file: ${name}`, () => assert.equal(good(text + LOCAL, env).stateFile, want));
}

test('state file: ~/ without a home', () => {
  assert.match(faultsOf(`state: { file: ~/s.json }${LOCAL}`).join(), /^1:16: state.file: starts/);
});
