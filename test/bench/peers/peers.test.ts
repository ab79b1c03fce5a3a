/** Do the small proxies of the bench pass requests on, and is a peer that cannot start said so? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Processes } from '../../../bench/load/processes.ts';
import { chosenPeers, gather } from '../../../bench/peers/field.ts';
import { programNamed } from '../../../bench/peers/install.ts';
import { measureMemory } from '../../../bench/peers/memory.ts';
import type { Peer } from '../../../bench/peers/peer.ts';
import { haproxyConfig, nginxConfig } from '../../../bench/peers/pipes.ts';
import { freePorts } from '../../../bench/peers/ports.ts';

test('peers are chosen by parts of their names', () => {
  const names = (words: string[]) => chosenPeers(words).map(({ name }) => name);
  assert.ok(names([]).length > 10);
  assert.deepEqual(
    names(['NGINX', ' port']).filter((name) => !name.startsWith('ours')),
    ['nginx', 'Portkey'],
  );
  assert.throws(() => names(['nobody']), /nobody is called nobody; there are nginx, haproxy/);
});

test('ports are free and different', async () => {
  const ports = await freePorts(5);
  assert.equal(new Set(ports).size, 5);
  assert.ok(ports.every((port) => port > 1_023));
});

test('a program that is not there', () => {
  assert.throws(() => programNamed('no-such-program-at-all'), /no no-such-program-at-all on/);
});

const URLS = {
  fast: 'http://127.0.0.1:1/v1',
  paced: 'http://127.0.0.1:2/v1',
  stamped: 'http://127.0.0.1:3/v1',
  flood: 'http://127.0.0.1:4/v1',
  slow: 'http://127.0.0.1:5/v1',
};
const PORTS = { fast: 11, paced: 12, stamped: 13, flood: 14, slow: 15 };

test('servers in C get a listener for each upstream', () => {
  assert.match(
    nginxConfig('/x', URLS, PORTS),
    /upstream flood \{ server 127\.0\.0\.1:4; keepalive/,
  );
  assert.match(nginxConfig('/x', URLS, PORTS), /listen 127\.0\.0\.1:14;.*http:\/\/flood;/);
  assert.match(haproxyConfig(URLS, PORTS), /bind 127\.0\.0\.1:15\n {2}default_backend slow-out/);
});

const broken: Peer = {
  name: 'broken',
  start: ({ processes }) =>
    processes.server([process.execPath, '-e', 'throw "no"'], { port: 1 }).then(() => {
      throw new Error('it started');
    }),
};

test('bare proxies take part, and one that does not start is left out', async () => {
  const processes = new Processes();
  try {
    const upstreams = await processes.upstreams(10);
    const client = await processes.client();
    const bare = chosenPeers(['bare']).filter(({ name }) => name.startsWith('bare'));
    const x = { processes, upstreams, node: process.execPath, cores: undefined };
    const field = await gather([...bare, broken], x, client, () => {});
    assert.deepEqual(
      field.contenders.map(({ name }) => name),
      ['bare http.request', 'bare fetch'],
    );
    assert.match(field.leftOut.join('\n'), /^broken: .*node did not start: .*no/);
    const [first] = field.contenders;
    assert.ok(first !== undefined);
    const scale = 0.02;
    const memory = await measureMemory(client, first.name, first.running, first.way, scale);
    assert.ok(memory.every(({ rounds }) => rounds.every(Number.isFinite)));
  } finally {
    await processes.stop();
  }
});
