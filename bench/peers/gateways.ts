/** The peers that know models: gateways for language models. Each takes its own kind of word. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bodyFor } from '../load/bodies.ts';
import type { UpstreamName, UpstreamUrls } from '../load/messages.ts';
import { modelOf } from '../load/proxy-config.ts';
import { HEADERS, PATHS } from '../load/variants.ts';
import { installGo, installNpm, installPython } from './install.ts';
import type { Peer, Start, Way } from './peer.ts';
import { freePorts } from './ports.ts';

const SECRET = 'bench-secret';
const namesOf = (upstreams: UpstreamUrls) => Object.keys(upstreams) as UpstreamName[];
const endpointOf = (way: Way) => (way === 'translated' ? 'anthropic' : 'openai');

async function onePort(cores: string | undefined) {
  const [port = 0] = await freePorts(1);
  return cores === undefined ? { port } : { port, cores };
}

/** 1.15.2 cannot stream with newer releases of the server that it runs on. */
const portkey: Peer = {
  name: 'Portkey',
  install: (folder) =>
    installNpm(folder, {
      packages: { '@portkey-ai/gateway': '1.15.2' },
      overrides: { '@hono/node-server': '1.13.1' },
    }),
  async start({ processes, upstreams, node, cores, folder }) {
    const options = await onePort(cores);
    const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
    const command = [node, program, '--headless', `--port=${options.port}`];
    const pid = await processes.server(command, options);
    return {
      pid,
      ways: ['passed through'],
      target: (_way, upstream, size, stream) => ({
        url: `http://127.0.0.1:${options.port}/v1/chat/completions`,
        headers: {
          ...HEADERS,
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': upstreams[upstream],
        },
        body: bodyFor('openai', size, modelOf(upstream), stream),
      }),
    };
  },
};

/** Its configuration and its lock lie in the home folder: each process gets one of its own. */
function routerHome({ processes, upstreams }: Start, port: number): string {
  const home = join(processes.folder, `router-home-${port}`);
  mkdirSync(join(home, '.claude-code-router'), { recursive: true });
  const configuration = {
    HOST: '127.0.0.1',
    PORT: port,
    LOG: false,
    NON_INTERACTIVE_MODE: true,
    Providers: namesOf(upstreams).map((name) => ({
      name,
      api_base_url: `${upstreams[name]}/chat/completions`,
      api_key: SECRET,
      models: [modelOf(name)],
    })),
    Router: { default: `fast,${modelOf('fast')}` },
  };
  writeFileSync(join(home, '.claude-code-router/config.json'), JSON.stringify(configuration));
  return home;
}

const router: Peer = {
  name: 'claude-code-router',
  install: (folder) =>
    installNpm(folder, { packages: { '@musistudio/claude-code-router': '2.0.0' } }),
  async start(x) {
    const options = await onePort(x.cores);
    const program = join(x.folder, 'node_modules/@musistudio/claude-code-router/dist/cli.js');
    const env = { HOME: routerHome(x, options.port) };
    const pid = await x.processes.server([x.node, program, 'start'], { ...options, env });
    return {
      pid,
      ways: ['translated'],
      target: (_way, upstream, size, stream) => ({
        url: `http://127.0.0.1:${options.port}/v1/messages`,
        headers: HEADERS,
        body: bodyFor('anthropic', size, `${upstream},${modelOf(upstream)}`, stream),
      }),
    };
  },
};

const litellmModel = (name: UpstreamName, base: string) => ({
  model_name: modelOf(name),
  litellm_params: { model: `openai/${modelOf(name)}`, api_base: base, api_key: SECRET },
});

/** Without its master key it serves everybody; nothing but loopback reaches it. */
const LITELLM_ENV = {
  LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
  LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  NO_COLOR: '1',
};

const litellm: Peer = {
  name: 'LiteLLM',
  install: (folder) => installPython(folder, 'litellm[proxy]==1.106.2'),
  async start({ processes, upstreams, cores, folder }) {
    const options = await onePort(cores);
    const file = join(processes.folder, 'litellm.yaml');
    const settings = { telemetry: false, use_chat_completions_url_for_anthropic_messages: true };
    const models = namesOf(upstreams).map((name) => litellmModel(name, upstreams[name]));
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ model_list: models, litellm_settings: settings }));
    const where = ['--host', '127.0.0.1', '--port', String(options.port), '--num_workers', '1'];
    const command = [join(folder, 'bin/litellm'), '--config', file, ...where];
    const pid = await processes.server(command, { ...options, env: LITELLM_ENV });
    return {
      pid,
      ways: ['passed through', 'translated'],
      target: (way, upstream, size, stream) => ({
        url: `http://127.0.0.1:${options.port}${
          way === 'translated' ? '/v1/messages' : '/v1/chat/completions'
        }`,
        headers: HEADERS,
        body: bodyFor(endpointOf(way), size, modelOf(upstream), stream),
      }),
    };
  },
};

const bifrostProvider = (name: UpstreamName, base: string) => ({
  keys: [{ name, value: SECRET, models: [modelOf(name)], weight: 1 }],
  network_config: { base_url: base.replace(/\/v1$/, '') },
  custom_provider_config: { base_provider_type: 'openai' },
});

/** Its Go module has to be to be had. */
const bifrost: Peer = {
  name: 'Bifrost',
  install: (folder) =>
    installGo(folder, 'github.com/maximhq/bifrost/transports/bifrost-http@v1.3.0'),
  async start({ processes, upstreams, cores, folder }) {
    const options = await onePort(cores);
    const home = join(processes.folder, `bifrost-${options.port}`);
    mkdirSync(home, { recursive: true });
    const providers = Object.fromEntries(
      namesOf(upstreams).map((name) => [name, bifrostProvider(name, upstreams[name])]),
    );
    writeFileSync(join(home, 'config.json'), JSON.stringify({ providers }));
    const where = ['-host', '127.0.0.1', '-port', String(options.port), '-app-dir', home];
    const pid = await processes.server([join(folder, 'bifrost-http'), ...where], options);
    return {
      pid,
      ways: ['passed through', 'translated'],
      target: (way, upstream, size, stream) => ({
        url: `http://127.0.0.1:${options.port}${PATHS[endpointOf(way)]}`,
        headers: HEADERS,
        body: bodyFor(endpointOf(way), size, `${upstream}/${modelOf(upstream)}`, stream),
      }),
    };
  },
};

export const GATEWAYS: readonly Peer[] = [portkey, router, litellm, bifrost];
