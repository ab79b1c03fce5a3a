/** Does every fault strike where it says, in streams and in JSON, and does the server live on? */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import type { SimulatorDialect } from '../../lib/simulator/types.ts';
import { type Answered, ask, chat, frames, parsed, started, until } from './ask.ts';

const SCRIPT = 'demo: think abcdefgh\ndemo: say ijklmnop';
const codeOf = ({ text }: Answered): unknown => {
  const body = JSON.parse(text) as { code?: string; error?: { code: string } };
  return body.error?.code ?? body.code;
};

for (const [fault, cerebras, zhipu] of [
  ['429', [429, 'request_quota_exceeded'], [429, '1302']],
  ['429tok', [429, 'token_quota_exceeded'], [429, '1308']],
  ['busy', [429, 'queue_exceeded'], [429, '1305']],
  ['500', [500, 'internal_error'], [500, '500']],
  ['503', [503, 'service_unavailable'], [503, '1234']],
  ['401', [401, 'wrong_api_key'], [401, '1000']],
  ['402', [402, 'payment_required'], [429, '1113']],
  ['404model', [404, 'model_not_found'], [400, '1211']],
  ['400ctx', [400, 'context_length_exceeded'], [400, '1261']],
] as const) {
  for (const [dialect, want] of [
    ['cerebras', cerebras],
    ['zhipu', zhipu],
  ] as const) {
    test(`fault ${fault} in the words of ${dialect}, then an answer`, async (t) => {
      const simulator = await started(t, { dialect, faults: fault });
      const refused = await ask(simulator, chat(SCRIPT, { stream: true }));
      assert.deepEqual([refused.status, codeOf(refused)], want);
      assert.equal(refused.headers['retry-after'], undefined);
      assert.equal((await ask(simulator, chat(SCRIPT))).status, 200);
    });
  }
}

test('a fault with seconds sends retry-after', async (t) => {
  const simulator = await started(t, { faults: '429:7,429tok:9' });
  const [first, second] = [await ask(simulator, chat('x')), await ask(simulator, chat('x'))];
  assert.deepEqual([first.headers['retry-after'], second.headers['retry-after']], ['7', '9']);
});

test('the zhipu window fault says its end in UTC+8', async (t) => {
  const clock = (): number => Date.UTC(2026, 8, 11, 16, 35, 36);
  const simulator = await started(t, { dialect: 'zhipu', faults: '429tok:5', clock });
  const { text } = await ask(simulator, chat('x'));
  assert.match(
    text,
    /Usage limit reached for 5 hour\. Your limit will reset at 2026-09-12 00:35:41/,
  );
});

test('html is a page, not JSON', async (t) => {
  const simulator = await started(t, { faults: 'html' });
  const { status, headers, text } = await ask(simulator, chat('x'));
  assert.deepEqual(
    [status, headers['content-type'], text.slice(0, 6)],
    [502, 'text/html', '<html>'],
  );
});

interface Row {
  readonly fault: string;
  readonly status: number;
  readonly complete: boolean;
  /** Data frames of a stream, `[DONE]` included. */
  readonly frames: number;
  readonly done: boolean;
}

// The whole answer has eight frames: role, 2 reasoning, empty, 2 content, finish, [DONE].
const STREAMS: readonly Row[] = [
  { fault: 'ok', status: 200, complete: true, frames: 8, done: true },
  { fault: 'slow:5', status: 200, complete: true, frames: 8, done: true },
  { fault: 'stall:5', status: 200, complete: true, frames: 8, done: true },
  { fault: 'cut', status: 0, complete: false, frames: 0, done: false },
  { fault: 'cutafter', status: 200, complete: false, frames: 3, done: false },
  { fault: 'cutafter:0', status: 200, complete: false, frames: 0, done: false },
  { fault: 'void', status: 200, complete: true, frames: 0, done: false },
  { fault: 'empty', status: 200, complete: true, frames: 3, done: true },
  { fault: 'nofinish', status: 200, complete: true, frames: 6, done: false },
  { fault: 'errorchunk', status: 200, complete: true, frames: 1, done: false },
  { fault: 'midstream:5', status: 200, complete: true, frames: 6, done: false },
  { fault: 'network_error', status: 200, complete: true, frames: 2, done: true },
  { fault: 'network_error:4', status: 200, complete: true, frames: 6, done: true },
];

for (const row of STREAMS) {
  test(`stream with fault ${row.fault}`, async (t) => {
    const simulator = await started(t, { faults: row.fault });
    const answered = await ask(simulator, chat(SCRIPT, { stream: true }));
    assert.deepEqual([answered.status, answered.complete], [row.status, row.complete]);
    const all = frames(answered.text);
    assert.deepEqual([all.length, all.at(-1) === '[DONE]'], [row.frames, row.done]);
    assert.equal((await ask(simulator, chat(SCRIPT))).status, 200);
  });
}

test('the json fault breaks a chunk of a stream', async (t) => {
  const simulator = await started(t, { faults: 'json' });
  const { text } = await ask(simulator, chat(SCRIPT, { stream: true }));
  assert.throws(() => frames(text), SyntaxError);
});

for (const { fault, status, complete, valid } of [
  { fault: 'ok', status: 200, complete: true, valid: true },
  { fault: 'slow:5', status: 200, complete: true, valid: true },
  { fault: 'stall:5', status: 200, complete: true, valid: true },
  { fault: 'cut', status: 0, complete: false, valid: false },
  { fault: 'cutafter', status: 200, complete: false, valid: false },
  { fault: 'json', status: 200, complete: true, valid: false },
  { fault: 'void', status: 200, complete: true, valid: false },
]) {
  test(`JSON with fault ${fault}`, async (t) => {
    const simulator = await started(t, { faults: fault });
    const answered = await ask(simulator, chat(SCRIPT));
    assert.deepEqual([answered.status, answered.complete], [status, complete]);
    if (valid) assert.equal(parsed(answered).choices.length, 1);
    else assert.throws(() => JSON.parse(answered.text), SyntaxError);
    assert.equal((await ask(simulator, chat(SCRIPT))).status, 200);
  });
}

for (const { fault, finish, content } of [
  { fault: 'empty', finish: 'stop', content: '' },
  { fault: 'nofinish', finish: null, content: 'ijklmnop' },
  { fault: 'network_error', finish: 'network_error', content: '' },
]) {
  test(`JSON with fault ${fault}: finish_reason ${finish}`, async (t) => {
    const simulator = await started(t, { dialect: 'zhipu', faults: fault });
    const [choice] = parsed(await ask(simulator, chat(SCRIPT))).choices;
    assert.deepEqual([choice?.finish_reason, choice?.message.content], [finish, content]);
  });
}

for (const [dialect, want] of [
  ['cerebras', { status_code: 500 }],
  ['zhipu', {}],
] as const) {
  test(`an error inside a stream of ${dialect}`, async (t) => {
    const simulator = await started(t, { dialect, faults: 'errorchunk,errorchunk' });
    const stream = await ask(simulator, chat(SCRIPT, { stream: true }));
    const { error, ...rest } = frames(stream.text)[0] as { error: { message: string } };
    assert.deepEqual(rest, want);
    assert.equal(error.message, 'The model failed while it answered');
    const json = await ask(simulator, chat(SCRIPT));
    assert.deepEqual([json.status, 'error' in JSON.parse(json.text)], [200, true]);
  });
}

/** Reads until `enough` of the text came, then hangs up. */
function hangUpAfter(url: string, body: unknown, enough: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(`${url}/chat/completions`, { method: 'POST', agent: false });
    sent.on('error', () => undefined);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('error', () => undefined);
      response.on('close', () => resolve(text));
      response.on('data', (piece: string) => {
        text += piece;
        if (text.includes(enough)) response.destroy();
      });
    });
    sent.end(JSON.stringify(body));
  });
}

for (const dialect of ['cerebras', 'zhipu'] as const satisfies SimulatorDialect[]) {
  test(`${dialect}: idle falls silent, holds its place, ends with its client`, async (t) => {
    const simulator = await started(t, { dialect, faults: 'idle:3', concurrent: 1 });
    const hung = hangUpAfter(simulator.url, chat(SCRIPT, { stream: true }), 'efgh');
    const text = await hung;
    assert.equal(frames(text).length, 3);
    await until(() => simulator.stats().inFlight === 0);
    const [account] = simulator.stats().accounts;
    assert.equal(account?.running, 0);
    assert.equal((await ask(simulator, chat(SCRIPT))).status, 200);
  });
}
