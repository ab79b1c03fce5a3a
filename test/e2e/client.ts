/**
 * The real Claude Code: where is it, and how is it run once, on a task, without anything of the
 * person who runs this: its own home, its own settings, nothing sent anywhere but to the proxy.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type Ending, startProgram } from './processes.ts';

/** Models of the client's tiers: the side model is what its background calls use. */
export const MAIN_MODEL = 'glm-4.6';
export const SIDE_MODEL = 'glm-4.5-air';

/** A task for the client: what it is asked, and marks to look for afterwards. */
export interface Task {
  readonly prompt: string;
  /** Folder that it works in. */
  readonly repo: string;
  /** Goes into the system prompt. */
  readonly systemMark: string;
  /** No requests beside the work, as far as the client can be told so. */
  readonly quiet: boolean;
}

export interface ClientRun {
  readonly ending: Ending;
  /** One JSON object a line. */
  readonly output: string;
  readonly complaints: string;
}

/** The older client (the one that Node runs) warms up a sub-agent with the main model, at a time of
 *  its own, unless it thinks that it runs on a machine of somebody else. */
const NO_WARM_UP = { CLAUDE_CODE_REMOTE: 'true' };

type Env = Readonly<Record<string, string | undefined>>;

/** The command that starts the client, or undefined when there is none. Looked for: `$CLAUDE_BIN`,
 *  `claude` on the path, `$CLIENT_DIR` or the harness's folder in the cache. */
export function findClient(env: Env): readonly string[] | undefined {
  const onPath = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'claude'));
  const asked = env.CLAUDE_BIN ?? '';
  const candidates = asked !== '' ? [asked] : [...onPath, ...fetched(env)];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) return undefined;
  return found.endsWith('.js') ? [process.execPath, found] : [found];
}

/** Where `npm install --prefix DIR` puts the native and the older, plain JavaScript client. */
function fetched(env: Env): string[] {
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const scope = join(
    env.CLIENT_DIR || join(cache, 'cooldown-harness'),
    'node_modules/@anthropic-ai',
  );
  if (!existsSync(scope)) return [];
  const native = readdirSync(scope).filter((name) => name.startsWith('claude-code-linux-'));
  return [
    ...native.map((name) => join(scope, name, 'claude')),
    join(scope, 'claude-code', 'cli.js'),
  ];
}

const VERSION_MS = 30_000;

/** What the client says its version is, such as `2.1.330`. */
export function clientVersion(client: readonly string[], home: string): string {
  const [file = '', ...args] = client;
  const env = { HOME: home, PATH: process.env.PATH ?? '' };
  const options = { env, encoding: 'utf8', timeout: VERSION_MS, stdio: 'pipe' } as const;
  return /[\d.]+/.exec(execFileSync(file, [...args, '--version'], options))?.[0] ?? '0';
}

/** Runs the client once, headless. `home` is a folder for its settings and leftovers. */
export async function runClient(
  client: readonly string[],
  task: Task,
  proxy: { readonly url: string; readonly token: string },
  home: string,
  timeoutMs: number,
): Promise<ClientRun> {
  const settings = join(home, '.claude');
  const temporary = join(home, 'tmp');
  for (const folder of [settings, temporary]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(settings, 'settings.json'), '{}\n');
  const flags = ['--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions'];
  const system = ['--append-system-prompt', task.systemMark];
  const running = startProgram([...client, '-p', task.prompt, ...flags, ...system], {
    cwd: task.repo,
    timeoutMs,
    env: {
      PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
      HOME: home,
      TMPDIR: temporary,
      CLAUDE_CONFIG_DIR: settings,
      LANG: 'C.UTF-8',
      ANTHROPIC_BASE_URL: `${proxy.url}/anthropic`,
      ANTHROPIC_AUTH_TOKEN: proxy.token,
      ANTHROPIC_DEFAULT_OPUS_MODEL: MAIN_MODEL,
      ANTHROPIC_DEFAULT_SONNET_MODEL: MAIN_MODEL,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: SIDE_MODEL,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_TELEMETRY: '1',
      NO_PROXY: 'localhost,127.0.0.1',
      // The client refuses to skip permissions as root unless it is told that nothing can break.
      IS_SANDBOX: '1',
      ...(task.quiet && client.length > 1 ? NO_WARM_UP : {}),
    },
  });
  const ending = await running.ended;
  return { ending, output: running.output(), complaints: running.complaints() };
}
