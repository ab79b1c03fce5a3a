/** `cooldown-proxy demo`: the proxy on the embedded provider simulator, as its only upstream. */
import { ConfigError } from '../config/faults.ts';
import { parseConfig } from '../config/parse.ts';
import { serve } from '../serve.ts';
import { startSimulator } from '../simulator/simulator.ts';
import type { Options } from './types.ts';

/** Two orgs with room for a person's work, so that the limits can be seen at work too. */
const ORGS = [
  { key: 'demo-key-one', org: 'one' },
  { key: 'demo-key-two', org: 'two' },
] as const;

/** Resolves to the exit code. */
export async function demo(options: Options): Promise<number> {
  process.stdout.write(
    'Demo: the embedded provider simulator is the only upstream; nothing leaves this machine.\n',
  );
  const simulator = await startSimulator({
    dialect: 'cerebras',
    keys: ORGS,
    tokensPerSecond: 200,
    firstTokenMs: 100,
    requestsPerMinute: 60,
    tokensPerMinute: 1_000_000,
  });
  try {
    const env = { ...process.env, no_proxy: '*' }; // the simulator is in this very process
    const overrides = { port: options.port, bindAddress: options.bind };
    const config = parseConfig(demoConfig(simulator.url), 'demo', env, overrides);
    return await serve(config, { onListening: showHowToTry });
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return 1;
  } finally {
    await simulator.close();
  }
}

/** For a person at a terminal; a program that reads the log gets nothing but the log. */
function showHowToTry(port: number): void {
  if (process.stdout.isTTY !== true) return;
  const url = `http://localhost:${port}`;
  process.stdout.write(`
Try it:
  curl ${url}/anthropic/v1/messages -H 'content-type: application/json' \\
    -d '{"model":"claude-3-5-sonnet-20241022","max_tokens":100,
         "messages":[{"role":"user","content":"Hello"}]}'
Claude Code:
  ANTHROPIC_BASE_URL=${url}/anthropic ANTHROPIC_AUTH_TOKEN=demo claude
OpenAI clients: base URL ${url}/openai
What it does: ${url}/health and ${url}/metrics

`);
}

function demoConfig(endpoint: string): string {
  const keys = ORGS.map(({ key, org }) => `        - { key: ${key}, name: ${org}, org: ${org} }`);
  return `
providers:
  - name: simulator
    preset: cerebras
    endpoint: ${endpoint}
    models: [glm-4.6, glm-4.5-air, gpt-oss-120b]
    load_balancing:
      api_keys:
${keys.join('\n')}
# All of them, so that no variable of another setup names a model that is not here.
environment_models: { haiku: glm-4.5-air, sonnet: glm-4.6, opus: glm-4.6, default: glm-4.6 }
state: { file: "" }
`;
}
