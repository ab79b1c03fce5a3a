import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ask, chat, type Live, message, open } from './support/http-client.ts';
import { folder, type Program, program } from './support/program.ts';
import { DONE, delta, type ScriptedProvider, scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

interface Serving {
  readonly run: Program;
  readonly url: string;
  readonly provider: ScriptedProvider;
  /** A stream that has begun. */
  readonly live: Live;
  finish(): void;
}

/** A proxy in a process of its own, in the middle of a stream. */
async function serving(t: TestContext): Promise<Serving> {
  let finish = () => {};
  const provider = await scripted([
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(delta('one '));
      finish = () => response.end(delta('two', 'stop') + DONE);
    },
  ]);
  t.after(() => provider.close());
  const cwd = folder(t);
  writeFileSync(
    join(cwd, 'config.yaml'),
    `
server: { port: 0 }
monitoring: { log_level: debug }
providers: [{ name: p, endpoint: "${provider.url}", models: [glm-4.6], api_key: key-77 }]
environment_models: { haiku: nobody-has-it }
`,
  );
  const run = program(t, [], { cwd });
  const url = await run.listening();
  const live = open(`${url}/anthropic/v1/messages`, { body: message('x', { stream: true }) });
  await live.has('one ');
  return { run, url, provider, live, finish: () => finish() };
}

test('a signal drains: what is in flight finishes, exit 0', async (t) => {
  const { run, url, live, finish } = await serving(t);
  assert.equal((await ask(`${url}/health`)).status, 200);
  assert.ok(run.lines('listening')[0]?.pid === run.child.pid);
  const [warning] = run.out.split('\n').filter((line) => line.includes('"warn"'));
  assert.match(String(warning), /nobody-has-it.*config\.yaml:5:/);
  run.child.kill('SIGTERM');
  await until(() => run.lines('draining').length === 1);
  assert.equal((await ask(`${url}/health`)).status, 0, 'nobody is let in any more');
  finish();
  assert.match((await live.done).text, /event: message_stop/);
  assert.equal(await run.ended, 0);
  assert.equal(run.lines('stopped')[0]?.clean, true);
  assert.equal(run.lines('request').at(-1)?.status, 200);
  assert.equal(run.err, '');
});

test('a second signal cuts, with an error event, exit 1', async (t) => {
  const { run, live } = await serving(t);
  run.child.kill('SIGINT');
  await until(() => run.lines('draining').length === 1);
  run.child.kill('SIGTERM');
  const { text } = await live.done;
  assert.match(text, /event: error\ndata: .*overloaded_error/);
  assert.ok(!text.includes('message_stop'));
  assert.equal(await run.ended, 1);
  assert.equal(run.lines('stopped')[0]?.clean, false);
});

test('an address that is taken: exit 3', async (t) => {
  const { run, url } = await serving(t);
  const cwd = folder(t);
  const other = program(t, ['-port', new URL(url).port], {
    cwd,
    env: { ZAI_API_KEY: 'zai-77-77' },
  });
  assert.equal(await other.ended, 3);
  const [line] = other.lines('cannot listen');
  assert.equal(line?.level, 'error');
  assert.match(String(line.error), /EADDRINUSE/);
  run.child.kill('SIGKILL');
});

test('a reader of the log that goes away stops nothing', async (t) => {
  const { run, url, provider, finish } = await serving(t);
  run.child.stdout?.destroy();
  finish();
  for (let n = 0; n < 3; n++) {
    const answer = await ask(`${url}/openai/chat/completions`, { body: chat('x') });
    assert.equal(answer.status, 200);
  }
  assert.equal(provider.received.length, 4);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 0);
});
