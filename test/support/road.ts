/**
 * A proxy on scripted providers, for tests of the road. When a test is over, what must hold for
 * every request is checked: nothing is reserved any more, and the log holds neither words nor
 * credentials.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import { type Answered, type Asking, ask, type Live, open } from './http-client.ts';
import { startProxy, type TestProxy, type TestProxyOptions } from './proxy.ts';
import { completion, type Scripted, type ScriptedProvider, scripted } from './scripted.ts';
import { until } from './upstream.ts';

/** Tests that say these to the proxy, or let a provider say them, find them in no log. */
export const PROMPT = 'prompt-marker-77';
export const COMPLETION = 'completion-marker-77';
export const TOKEN = 'client-token-77';
/** Every key of a road is `key-secret-…`. */
const SECRET = /key-secret-\w+/;

export interface Road {
  readonly proxy: TestProxy;
  /** The first provider. */
  readonly provider: ScriptedProvider;
  readonly providers: readonly ScriptedProvider[];
  ask(path: string, asking?: Asking): Promise<Answered>;
  open(path: string, asking?: Asking): Live;
  messages(body: object, headers?: Asking['headers']): Promise<Answered>;
  chat(body: object, headers?: Asking['headers']): Promise<Answered>;
  /** Log lines `request`, oldest first. */
  requests(): Record<string, unknown>[];
  /** Waits for the log line of the request that is expected to be the nth (from 1), and gives
   *  it. */
  requestLine(nth?: number): Promise<Record<string, unknown>>;
  /** Waits until no reservation is held and nobody waits. */
  quiet(): Promise<void>;
}

export interface RoadOptions {
  /** Answers of the first provider, then `fine`. */
  readonly answers?: readonly Scripted[];
  /** What each provider answers when its script is over; its length is the number of providers. */
  readonly otherwise?: readonly Scripted[];
  /** Keys of each provider, as YAML flow mappings without secret and name. Default: one key. */
  readonly keys?: readonly string[];
  /** YAML of each provider, indented by four. */
  readonly provider?: string;
  /** Top-level YAML. */
  readonly config?: string;
  readonly models?: string;
  readonly strategy?: string;
  /** How the process is measured and by what; how long a client may take; the upstream pipe. */
  readonly proxy?: Pick<TestProxyOptions, 'probe' | 'bounds' | 'deadlines' | 'transport'>;
}

/** Starts providers `p1`, `p2` … with keys `k1`, `k2` … and a proxy on them, until the test
 *  ends. */
export async function road(t: TestContext, options: RoadOptions = {}): Promise<Road> {
  const otherwise = options.otherwise ?? [completion(COMPLETION)];
  const providers = await Promise.all(
    otherwise.map((last, at) => scripted(at === 0 ? options.answers : [], last)),
  );
  const proxy = await startProxy(yamlOf(providers, options), options.proxy);
  const requests = () => proxy.log.filter(({ msg }) => msg === 'request');
  const { gateway } = proxy;
  const quiet = () =>
    until(
      () =>
        gateway.waiting.depth === 0 &&
        gateway.bucketNames.every((_, at) => gateway.quotas.inFlight(at as Bucket) === 0),
    );
  t.after(async () => {
    await quiet();
    await proxy.close();
    await Promise.all(providers.map((provider) => provider.close()));
    checkLog(proxy);
  });
  return {
    proxy,
    provider: providers[0] as ScriptedProvider,
    providers,
    ask: (path, asking) => ask(proxy.url + path, asking),
    open: (path, asking) => open(proxy.url + path, asking),
    messages: (body, headers = {}) => ask(`${proxy.url}/anthropic/v1/messages`, { body, headers }),
    chat: (body, headers = {}) => ask(`${proxy.url}/openai/chat/completions`, { body, headers }),
    requests,
    async requestLine(nth = 1) {
      await until(() => requests().length >= nth);
      return requests()[nth - 1] as Record<string, unknown>;
    },
    quiet,
  };
}

function yamlOf(providers: readonly ScriptedProvider[], options: RoadOptions): string {
  const { keys = ['{}'], models = '[glm-4.6, glm-4.5-air]', strategy = 'least_used' } = options;
  const blocks = providers.map(({ url }, at) => {
    const listed = keys.map((extra, nth) => {
      const name = `k${nth + 1}`;
      const more = extra.replace(/^\{\s*|\s*\}$/g, '');
      return `        - { key: key-secret-${at + 1}-${name}, name: ${name}${more && `, ${more}`} }`;
    });
    return `  - name: p${at + 1}
    preset: generic
    endpoint: ${url}
    models: ${models}
${options.provider ?? ''}
    load_balancing:
      strategy: ${strategy}
      api_keys:
${listed.join('\n')}`;
  });
  const limits = 'limits: { queue: { max_wait: 300ms } }';
  const config = options.config ?? '';
  const rest = config.includes('limits:') ? config : `${limits}\n${config}`;
  return `providers:\n${blocks.join('\n')}\n${rest}\n`;
}

function checkLog({ log }: TestProxy): void {
  const text = JSON.stringify(log);
  for (const word of [PROMPT, COMPLETION, TOKEN]) assert.ok(!text.includes(word), `${word} logged`);
  assert.doesNotMatch(text, SECRET);
}

/** The samples of a metric, as `a=1 b=2: value`, in the order of the exposition. */
export async function metricOf({ ask: get }: Pick<Road, 'ask'>, name: string): Promise<string[]> {
  const { text } = await get('/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.map((line) => line.slice(name.length));
}
