import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ConfigError } from '../lib/config/faults.ts';
import type { Config, ServerConfig } from '../lib/config/types.ts';
import { readAgain } from '../lib/reload.ts';
import type { Log } from '../lib/telemetry/log.ts';
import { good, LOCAL } from './support/configs.ts';
import { ask, chat, type Live, message, open } from './support/http-client.ts';
import { folder, type Program, program } from './support/program.ts';
import { completion, DONE, delta, type ScriptedProvider, scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

interface Told {
  readonly log: Log;
  readonly lines: string[];
}

function told(): Told {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (text: string, fields = {}) => {
      lines.push(`${level} ${text} ${JSON.stringify(fields)}`);
    };
  const log = { debug: write('debug'), info: write('info'), warn: write('warn') };
  return { log: { ...log, error: write('error'), flush() {} }, lines };
}

const current = good(LOCAL);
const withServer = (config: Config, server: Partial<ServerConfig>): Config => ({
  ...config,
  server: { ...config.server, ...server },
});

test('what only a start can change stays, and is named', () => {
  const { log, lines } = told();
  const changed = {
    ...withServer(current, { bindAddress: '::1', port: 1, workers: 2, transport: 'fetch' }),
    stateFile: '/elsewhere',
    source: 'new',
  };
  const next = readAgain(current, () => changed, log);
  assert.equal(next?.source, 'new');
  assert.deepEqual(next?.server, current.server);
  assert.equal(next?.stateFile, current.stateFile);
  assert.deepEqual(lines, [
    'warn a restart is needed for some of the changes {"ignored":["server.bind_address",' +
      '"server.port","server.workers","server.transport","state.file"]}',
  ]);
  assert.notEqual(
    readAgain(current, () => current, log),
    null,
  );
  assert.equal(lines.length, 1);
});

test('a configuration with faults is refused with all of them, and so is one that throws', () => {
  const { log, lines } = told();
  const faults = [1, 2].map((line) => ({ file: 'c.yaml', line, column: 3, message: 'bad' }));
  for (const thrown of [new ConfigError(faults), new Error('boom')]) {
    const next = readAgain(
      current,
      () => {
        throw thrown;
      },
      log,
    );
    assert.equal(next, null);
  }
  assert.match(lines[0] ?? '', /^error reload refused.*"c.yaml:1:3: bad","c.yaml:2:3: bad"/);
  assert.match(lines[1] ?? '', /^error reload refused.*boom/);
});

test('an open address never loses its guard by a reload', () => {
  const guarded = { bindAddress: '0.0.0.0', apiKeyRequired: true, authTokens: ['t'] };
  const old = withServer(current, guarded);
  const { log, lines } = told();
  assert.equal(
    readAgain(old, () => current, log),
    null,
    'its file has a loopback address',
  );
  assert.match(lines.join(), /error reload refused: without a token/);
  assert.notEqual(
    readAgain(old, () => withServer(current, guarded), log),
    null,
  );
  const open = withServer(current, { allowUnauthenticated: true });
  assert.notEqual(
    readAgain(old, () => open, log),
    null,
    'it says so out loud',
  );
});

interface Reloadable {
  readonly run: Program;
  readonly url: string;
  readonly provider: ScriptedProvider;
  /** Writes the file and waits for the answer to the signal. */
  reload(keys: readonly string[], more?: string): Promise<void>;
}

function configuration(endpoint: string, keys: readonly string[], more = ''): string {
  const listed = keys.map((key) => `        - ${key}\n`).join('');
  return `
server: { port: 0 }
${more}
providers:
  - name: p
    preset: generic
    endpoint: ${endpoint}
    models: [glm-4.6]
    load_balancing:
      strategy: round_robin
      api_keys:
${listed}`;
}

async function reloadable(
  t: TestContext,
  provider: ScriptedProvider,
  keys: readonly string[],
): Promise<Reloadable> {
  t.after(() => provider.close());
  const cwd = folder(t);
  const write = (text: string) => writeFileSync(join(cwd, 'config.yaml'), text);
  write(configuration(provider.url, keys));
  const run = program(t, [], { cwd });
  const url = await run.listening();
  const answers = () =>
    run.lines('configuration reloaded').length +
    run.out.split('\n').filter((line) => line.includes('reload refused')).length;
  return {
    run,
    url,
    provider,
    async reload(next, more) {
      const before = answers();
      write(configuration(provider.url, next, more));
      run.child.kill('SIGHUP');
      await until(() => answers() > before);
    },
  };
}

const ONE = '{ key: reload-secret-1, name: one }';
const TWO = '{ key: reload-secret-2, name: two }';

const CLIENTS = 20;
const REQUESTS_EACH = 12;

/** Streams one after the other on one connection; what came of each. */
async function client(url: string, agent: Agent, results: string[]): Promise<void> {
  for (let n = 0; n < REQUESTS_EACH; n++) {
    results.push(
      await new Promise<string>((resolve) => {
        const sent = request(
          `${url}/anthropic/v1/messages`,
          { method: 'POST', agent },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (piece: string) => {
              text += piece;
            });
            response.on('close', () => {
              const whole = text.includes('"one "') && text.includes('event: message_stop');
              resolve(`${response.statusCode} ${response.complete && whole ? 'whole' : text}`);
            });
          },
        );
        sent.on('error', (error) => resolve(error.message));
        sent.end(JSON.stringify(message('x', { stream: true })));
      }),
    );
  }
}

test('reloads under load: no request lost, no stream cut, no connection closed', async (t) => {
  const provider = await scripted([], (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(delta('one '));
    setTimeout(() => response.end(delta('two', 'stop') + DONE), 15);
  });
  const { run, url, reload } = await reloadable(t, provider, [ONE]);
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  t.after(() => agent.destroy());
  const results: string[] = [];
  const clients = Array.from({ length: CLIENTS }, () => client(url, agent, results));
  const total = CLIENTS * REQUESTS_EACH;
  const steps = [[ONE, TWO], [TWO], ['{ broken: }'], [TWO, ONE]];
  for (const [nth, keys] of steps.entries()) {
    await until(() => results.length > ((nth + 1) * total) / 6);
    await reload(keys);
  }
  assert.ok(results.length < total, 'the load lasted through all of them');
  await Promise.all(clients);
  assert.deepEqual([...new Set(results)], ['200 whole']);
  assert.equal(results.length, total);
  const used = new Set(provider.received.map(({ headers }) => headers.authorization));
  assert.deepEqual([...used].sort(), ['Bearer reload-secret-1', 'Bearer reload-secret-2']);
  const lines = run.lines('request');
  await until(() => run.lines('request').length === total);
  const keys = lines.map(({ key }) => key);
  assert.deepEqual([keys[0], new Set(keys).size], ['one', 2]);
  const sockets = new Set(Object.values(agent.freeSockets).flatMap((free) => free ?? []));
  assert.equal(sockets.size, CLIENTS, 'each client has the connection it began with');
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
  assert.equal(run.err, '');
});

test('limits hold over a reload: for those in flight, who wait and who come', async (t) => {
  const ends: (() => void)[] = [];
  const provider = await scripted([], (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(delta('one '));
    ends.push(() => response.end(delta('two', 'stop') + DONE));
  });
  const limited = (most: number) => ONE.replace('}', `, max_concurrent: ${most} }`);
  const { run, url, reload } = await reloadable(t, provider, [limited(2)]);
  const stream = (): Live =>
    open(`${url}/anthropic/v1/messages`, { body: message('x', { stream: true }) });
  const waiting = async (count: number) => {
    for (let tries = 0; tries < 500; tries++) {
      const { text } = await ask(`${url}/metrics`);
      if (text.includes(`cooldown_queue_depth{provider="p"} ${count}`)) return;
    }
    assert.fail(`${count} never waited`);
  };
  const early = [stream(), stream()];
  await until(() => ends.length === 2);
  const old = stream();
  await waiting(1);
  await reload([limited(2)]);
  const late = stream();
  await waiting(1); // on the new configuration; the old one has its own
  assert.equal(provider.received.length, 2, 'two at once, whichever configuration they came with');
  ends[0]?.();
  await until(() => ends.length === 3);
  await old.has('one ');
  assert.equal(provider.received.length, 3);
  await reload([limited(3)]);
  await until(() => ends.length === 4);
  await late.has('one ');
  await reload([limited(1)]);
  const last = stream();
  await waiting(1);
  for (const end of ends.slice(1)) end();
  await until(() => ends.length === 5);
  ends[4]?.();
  for (const live of [...early, old, late, last]) {
    assert.match((await live.done).text, /event: message_stop/);
  }
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
});

test('what was learned stays, a bad file is refused, secrets are the new ones', async (t) => {
  const refused = {
    status: 429,
    headers: { 'retry-after': '60' },
    body: { error: { message: 'x' } },
  };
  const provider = await scripted([refused]);
  const { run, url, reload } = await reloadable(t, provider, [ONE, TWO]);
  const served = async () => {
    const { headers, status } = await ask(`${url}/openai/chat/completions`, { body: chat('x') });
    return `${status} ${headers['x-cooldown-key']}`;
  };
  const states = async () => {
    const { text } = await ask(`${url}/health`);
    const { providers } = JSON.parse(text);
    return providers[0].keys.map(({ name, state }: Record<string, string>) => `${name} ${state}`);
  };
  assert.equal(await served(), '200 two');
  assert.deepEqual(await states(), ['one cooling', 'two ready']);
  await reload([ONE, TWO, '{ key: 5, nome: three }'], 'nonsense: 1');
  const [refusal] = run.out.split('\n').filter((line) => line.includes('reload refused'));
  assert.match(refusal ?? '', /config\.yaml:3:.*nonsense.*config\.yaml:1\d:.*nome/);
  assert.deepEqual(await states(), ['one cooling', 'two ready']);
  const renamed = ONE.replace('one', 'uno');
  const three = '{ key: reload-secret-3, name: three }';
  await reload([renamed, three], 'monitoring: { log_level: debug }');
  assert.deepEqual(await states(), ['uno cooling', 'three ready']);
  assert.deepEqual([await served(), await served()], ['200 three', '200 three']);
  const { text } = await ask(`${url}/metrics`);
  assert.ok(!text.includes('cooldown_key_state{provider="p",key="two"'), 'gone with the key');
  const quoted = { status: 400, body: { error: { message: 'no reload-secret-3 here' } } };
  provider.next.push(quoted);
  const told = await ask(`${url}/openai/chat/completions`, { body: chat('x') });
  assert.equal(told.status, 400);
  assert.match(told.text, /no \[redacted\] here/);
  await reload([ONE.replace('secret-1', 'secret-new')]);
  assert.equal(await served(), '200 one', 'another secret starts fresh');
  assert.equal(run.lines('configuration reloaded').at(-1)?.keys, 1);
  assert.doesNotMatch(run.out, /reload-secret/);
});

test('an answer that comes after the reload is booked in the new configuration', async (t) => {
  let answer = () => {};
  const provider = await scripted([
    (response) => {
      answer = () => {
        response.writeHead(429, { 'retry-after': '60', 'content-type': 'application/json' });
        response.end('{}');
      };
    },
  ]);
  const { url, reload } = await reloadable(t, provider, [ONE, TWO]);
  const live = open(`${url}/openai/chat/completions`, { body: chat('x') });
  await until(() => provider.received.length === 1);
  await reload([TWO, ONE]);
  answer();
  const { status, headers } = await live.done;
  assert.deepEqual([status, headers['x-cooldown-key']], [200, 'two']);
  const { text } = await ask(`${url}/health`);
  assert.match(text, /"name":"one","org":"[^"]*","state":"cooling"/);
});

test('a signal that comes while it drains changes nothing', async (t) => {
  let finish = () => {};
  const provider = await scripted(
    [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one '));
        finish = () => response.end(delta('two', 'stop') + DONE);
      },
    ],
    completion('fine'),
  );
  const { run, url } = await reloadable(t, provider, [ONE]);
  const live = open(`${url}/anthropic/v1/messages`, { body: message('x', { stream: true }) });
  await live.has('one ');
  run.child.kill('SIGTERM');
  await until(() => run.lines('draining').length === 1);
  run.child.kill('SIGHUP');
  finish();
  assert.match((await live.done).text, /event: message_stop/);
  assert.equal(await run.ended, 0);
  assert.equal(run.lines('configuration reloaded').length, 0);
});

test('a reload and an end at once: what is in flight finishes', async (t) => {
  let finish = () => {};
  const provider = await scripted([
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(delta('one '));
      finish = () => response.end(delta('two', 'stop') + DONE);
    },
  ]);
  const { run, url } = await reloadable(t, provider, [ONE]);
  const live = open(`${url}/anthropic/v1/messages`, { body: message('x', { stream: true }) });
  await live.has('one ');
  for (const signal of ['SIGHUP', 'SIGTERM', 'SIGHUP'] as const) run.child.kill(signal);
  await until(() => run.lines('draining').length === 1);
  finish();
  assert.match((await live.done).text, /event: message_stop/);
  assert.equal(await run.ended, 0);
  // Signals that wait together come in an order of the system's.
  assert.ok(run.lines('configuration reloaded').length <= 2);
  assert.equal(run.err, '');
});
