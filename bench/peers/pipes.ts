/** The peers that pass bytes on and know nothing of models: servers in C, and pipes on Node. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bodyFor } from '../load/bodies.ts';
import type { UpstreamName, UpstreamUrls } from '../load/messages.ts';
import { modelOf } from '../load/proxy-config.ts';
import { HEADERS } from '../load/variants.ts';
import { installNpm, type NpmPackages, programNamed } from './install.ts';
import type { Peer, RunningPeer, Start } from './peer.ts';
import { portsFor } from './ports.ts';

type Ports = Readonly<Record<UpstreamName, number>>;

const namesOf = (upstreams: UpstreamUrls) => Object.keys(upstreams) as UpstreamName[];
const originOf = (url: string) => new URL(url).origin;
const hostOf = (url: string) => new URL(url).host;

/** A peer with a port for each upstream. */
function running(pid: number, ports: Ports): RunningPeer {
  return {
    pid,
    ways: ['passed through'],
    target: (_way, upstream, size, stream) => ({
      url: `http://127.0.0.1:${ports[upstream]}/v1/chat/completions`,
      headers: HEADERS,
      body: bodyFor('openai', size, modelOf(upstream), stream),
    }),
  };
}

/** Streams are not held back, bodies stay in memory, connections are kept. */
export function nginxConfig(folder: string, upstreams: UpstreamUrls, ports: Ports): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, `nginx-${kind}`)};`,
  );
  const servers = namesOf(upstreams).map(
    (name) => `
  upstream ${name} { server ${hostOf(upstreams[name])}; keepalive 512; }
  server { listen 127.0.0.1:${ports[name]}; location / { proxy_pass http://${name}; } }`,
  );
  return `
daemon off; worker_processes 1; error_log stderr crit; pid ${join(folder, 'nginx.pid')};
events { worker_connections 8000; }
http {
  access_log off; keepalive_requests 100000000;
  client_max_body_size 64m; client_body_buffer_size 1m;
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_buffering off; proxy_read_timeout 600s;
  ${temporary.join(' ')}${servers.join('')}
}
`;
}

export function haproxyConfig(upstreams: UpstreamUrls, ports: Ports): string {
  const proxies = namesOf(upstreams).map(
    (name) => `
frontend ${name}-in
  bind 127.0.0.1:${ports[name]}
  default_backend ${name}-out
backend ${name}-out
  server one ${hostOf(upstreams[name])}`,
  );
  return `
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 600s
  timeout server 600s
${proxies.join('\n')}
`;
}

const nginx: Peer = {
  name: 'nginx',
  async start({ processes, upstreams, cores }) {
    const ports = await portsFor(namesOf(upstreams));
    const file = join(processes.folder, 'nginx.conf');
    writeFileSync(file, nginxConfig(processes.folder, upstreams, ports));
    const command = [programNamed('nginx'), '-c', file, '-p', processes.folder];
    return running(await processes.server(command, serverOptions(ports, cores)), ports);
  },
};

const haproxy: Peer = {
  name: 'haproxy',
  async start({ processes, upstreams, cores }) {
    const ports = await portsFor(namesOf(upstreams));
    const file = join(processes.folder, 'haproxy.cfg');
    writeFileSync(file, haproxyConfig(upstreams, ports));
    const command = [programNamed('haproxy'), '-db', '-f', file];
    return running(await processes.server(command, serverOptions(ports, cores)), ports);
  },
};

/** The port that is opened last. */
function serverOptions(ports: Ports, cores: string | undefined) {
  const port = Object.values(ports).at(-1) ?? 0;
  return cores === undefined ? { port } : { port, cores };
}

const script = (file: string) => fileURLToPath(new URL(`./servers/${file}.js`, import.meta.url));

function nodePipe(name: string, file: string, npm?: NpmPackages): Peer {
  return {
    name,
    ...(npm === undefined ? {} : { install: (folder: string) => installNpm(folder, npm) }),
    async start({ processes, upstreams, node, cores, folder }: Start) {
      const ports = await portsFor(namesOf(upstreams));
      const listeners = namesOf(upstreams).map((upstream) => ({
        port: ports[upstream],
        origin: originOf(upstreams[upstream]),
      }));
      const command = [node, script(file), JSON.stringify(listeners), folder];
      return running(await processes.server(command, serverOptions(ports, cores)), ports);
    },
  };
}

export const PIPES: readonly Peer[] = [
  nginx,
  haproxy,
  nodePipe('bare http.request', 'bare-http'),
  nodePipe('bare fetch', 'bare-fetch'),
  nodePipe('http-proxy', 'http-proxy', { packages: { 'http-proxy': '1.18.1' } }),
  nodePipe('fast-proxy', 'fast-proxy', { packages: { 'fast-proxy': '2.2.0' } }),
  nodePipe('@fastify/reply-from', 'reply-from', {
    packages: { '@fastify/reply-from': '12.6.5', fastify: '5.12.8' },
  }),
];
