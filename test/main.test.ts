import assert from 'node:assert/strict';
import test from 'node:test';
import { parseArguments } from '../lib/main.ts';
import { VERSION } from '../lib/version.ts';
import { program } from './support/program.ts';

const none = { config: undefined, port: undefined, bind: undefined, orDemo: false };

for (const { args, command = 'run', options = {} } of [
  { args: '' },
  { args: 'run' },
  { args: 'demo', command: 'demo' },
  { args: 'check', command: 'check' },
  { args: '-config a.yaml', options: { config: 'a.yaml' } },
  { args: '--config a.yaml', options: { config: 'a.yaml' } },
  { args: '-c a.yaml', options: { config: 'a.yaml' } },
  { args: '--config=a=b.yaml', options: { config: 'a=b.yaml' } },
  { args: 'check -c a.yaml', command: 'check', options: { config: 'a.yaml' } },
  { args: '-c a.yaml check', command: 'check', options: { config: 'a.yaml' } },
  { args: '-port 0', options: { port: 0 } },
  { args: '--port=65535 -bind ::1', options: { port: 65_535, bind: '::1' } },
  { args: '-p 1 -b 127.0.0.1', options: { port: 1, bind: '127.0.0.1' } },
  { args: 'run --or-demo', options: { orDemo: true } },
] as { args: string; command?: string; options?: object }[]) {
  test(`arguments: ${args}`, () => {
    const parsed = parseArguments(args.split(' ').filter((word) => word !== ''));
    assert.deepEqual(parsed, { command, options: { ...none, ...options } });
  });
}

for (const { args, says } of [
  { args: 'serve', says: /no command "serve"/ },
  { args: 'run demo', says: /one command is enough/ },
  { args: '--what', says: /no option "--what"/ },
  { args: '--what=1', says: /no option "--what=1"/ },
  { args: '-config', says: /-config needs a value/ },
  { args: '--config=', says: /--config= needs a value/ },
  { args: '-port x', says: /port number, got "x"/ },
  { args: '-port 65536', says: /port number/ },
  { args: '-port -1', says: /port number/ },
  { args: '-port 1.5', says: /port number/ },
]) {
  test(`arguments that are wrong: ${args}`, () => {
    const parsed = parseArguments(args.split(' '));
    assert.ok('usageError' in parsed);
    assert.match(parsed.usageError, says);
  });
}

test('as a program: help, version, bad usage', async (t) => {
  const [help, version, bad] = [
    program(t, ['--help']),
    program(t, ['--version']),
    program(t, ['serve']),
  ];
  assert.equal(await help.ended, 0);
  for (const word of ['usage:', 'run', 'demo', 'check', '-config', '-port', '-bind', '--version']) {
    assert.ok(help.out.includes(word), word);
  }
  assert.deepEqual([await version.ended, version.out], [0, `${VERSION}\n`]);
  assert.equal(await bad.ended, 2);
  assert.deepEqual([bad.out, bad.err.includes('--help')], ['', true]);
});
