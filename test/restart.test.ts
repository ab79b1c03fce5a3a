/** A restart under load, with processes of their own: what of it do clients see? */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { heldSocket } from './support/held-socket.ts';
import { ask, message } from './support/http-client.ts';
import { folder, type Program, type ProgramOptions, program } from './support/program.ts';
import { DONE, delta, scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const CLIENTS = 50;
const WHOLE = '200 whole';
/** No answer began: the connection was refused, or closed while it was still in the queue. */
const REFUSED = '0 ';
const MAX_REQUESTS_EACH = 2_000;

const completion = JSON.stringify({
  choices: [{ finish_reason: 'stop', message: { role: 'assistant', content: 'fine' } }],
});

async function provider(t: TestContext) {
  const given = await scripted([], (response, { body }) => {
    if (!body.includes('"stream":true')) {
      setTimeout(() => response.end(completion), 20);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(delta('one '));
    setTimeout(() => response.end(delta('two', 'stop') + DONE), 40);
  });
  t.after(() => given.close());
  return given;
}

/** Clients that send one request after the other until `stop`. With an `agent` connections are
 *  kept, and a request is sent again when its connection was closed before an answer, as clients
 *  do. */
function load(url: string, agent?: Agent) {
  const results: string[] = [];
  let stopped = false;
  const client = async (nth: number) => {
    for (let n = 0; n < MAX_REQUESTS_EACH && !stopped; n++) {
      const stream = (nth + n) % 2 === 0;
      const asking = { body: message('x', { stream }), ...(agent === undefined ? {} : { agent }) };
      const once = () => ask(`${url}/anthropic/v1/messages`, asking);
      const first = await once();
      const again = agent !== undefined && first.status === 0;
      const { status, text, complete } = again ? await once() : first;
      const last = stream ? 'event: message_stop' : '"end_turn"';
      const whole = complete && text.includes(last);
      results.push(`${status} ${whole ? 'whole' : text}`);
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, nth) => client(nth));
  return {
    results,
    /** Waits until so many more have been served whole. */
    async served(more: number) {
      const whole = () => results.filter((result) => result === WHOLE).length;
      const before = whole();
      await until(() => whole() >= before + more);
    },
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return [...new Set(results)].sort();
    },
  };
}

/** One program, then another, with clients all the while. */
async function restarted(
  t: TestContext,
  url: string,
  options: ProgramOptions,
  port: number,
  agent?: Agent,
) {
  const { url: endpoint } = await provider(t);
  const cwd = folder(t);
  const server = `server: { port: ${port} }`;
  const given = `{ name: p, endpoint: "${endpoint}", models: [glm-4.6], api_key: k }`;
  writeFileSync(join(cwd, 'config.yaml'), `${server}\nproviders: [${given}]\n`);
  const start = () => program(t, [], { cwd, ...options });
  const first = start();
  await first.listening();
  const clients = load(url, agent);
  await clients.served(CLIENTS);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0, first.out.slice(-500));
  const second = start();
  await second.listening();
  await clients.served(CLIENTS);
  const seen = await clients.stop();
  second.child.kill('SIGTERM');
  assert.equal(await second.ended, 0);
  return { seen, results: clients.results, runs: [first, second] };
}

function servedBy(runs: readonly Program[]): number {
  const lines = runs.flatMap((run) => run.lines('request'));
  assert.deepEqual([...new Set(lines.map(({ status }) => status))], [200]);
  return lines.length;
}

test('a restart: every request that was taken is answered whole, others are refused', async (t) => {
  const { port, url } = await freePort();
  const { seen, results, runs } = await restarted(t, url, {}, port);
  assert.deepEqual(seen, [REFUSED, WHOLE]);
  assert.equal(servedBy(runs), results.filter((result) => result === WHOLE).length);
  assert.deepEqual(
    runs.map((run) => run.err),
    ['', ''],
  );
});

test('a restart through an inherited socket: no request fails', async (t) => {
  const held = heldSocket(t);
  const { seen, results, runs } = await restarted(t, held.url, { socket: held.fd }, 0);
  assert.deepEqual(seen, [WHOLE]);
  assert.equal(servedBy(runs), results.length);
});

test('the same with connections that are kept: the next request on them is served, too', async (t) => {
  const held = heldSocket(t);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const { seen } = await restarted(t, held.url, { socket: held.fd }, 0, agent);
  assert.deepEqual(seen, [WHOLE]);
});

/** One that nobody has had just now. */
async function freePort() {
  const given = await scripted();
  await given.close();
  const { port, origin } = new URL(given.url);
  return { port: Number(port), url: origin };
}
