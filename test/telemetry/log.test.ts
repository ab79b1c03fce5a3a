/** Is a line one line, complete, free of secrets, and does logging never throw? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogLevel } from '../../lib/config/types.ts';
import { type LogOptions, makeLog } from '../../lib/telemetry/log.ts';
import { makeRedactor } from '../../lib/telemetry/redact.ts';

const NOON_MS = Date.UTC(2026, 0, 2, 12, 0, 0, 7);

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = makeLog({
    level: 'debug',
    format: 'json',
    write: (line) => lines.push(line),
    redact: makeRedactor(['hunter2hunter2']),
    now: () => NOON_MS,
    ...options,
  });
  return { log, lines };
}

test('json: time, level, msg come first, then the fields as they are', () => {
  const { log, lines } = capture();
  log.info('listening', { address: '127.0.0.1', port: 5730, tls: false, key: null });
  assert.deepEqual(lines, [
    '{"time":"2026-01-02T12:00:00.007Z","level":"info","msg":"listening",' +
      '"address":"127.0.0.1","port":5730,"tls":false,"key":null}\n',
  ]);
});

test('json: undefined is left out, lists stay lists', () => {
  const { log, lines } = capture();
  log.warn('w', { gone: undefined, keys: ['a', 'b'] });
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '2026-01-02T12:00:00.007Z',
    level: 'warn',
    msg: 'w',
    keys: ['a', 'b'],
  });
});

for (const { level, want } of [
  { level: 'debug', want: ['debug', 'info', 'warn', 'error'] },
  { level: 'info', want: ['info', 'warn', 'error'] },
  { level: 'warn', want: ['warn', 'error'] },
  { level: 'error', want: ['error'] },
  { level: 'silent', want: [] },
] as const satisfies readonly { level: LogLevel; want: readonly string[] }[])
  test(`level ${level} writes ${want.join(', ') || 'nothing'}`, () => {
    const { log, lines } = capture({ level });
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]('x');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).level),
      want,
    );
  });

const NASTY = [
  'line\nbreak',
  'carriage\rreturn',
  '{"level":"error"}\n{"msg":"forged"}',
  '\x1b[2J\x1b[31mred',
  'separator\u2028\u2029\u0085',
  'turned \u202e around',
  'nul \0 bell \x07 delete \x7f csi \x9b',
  'quote " back \\ ',
];

for (const text of NASTY)
  for (const format of ['json', 'pretty'] as const)
    test(`${format}: one line, no control character: ${JSON.stringify(text)}`, () => {
      const { log, lines } = capture({ format });
      log.info(text, { field: text, list: [text] });
      assert.equal(lines.length, 1);
      const line = lines[0] ?? '';
      assert.ok(line.endsWith('\n'));
      assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
      if (format === 'pretty') return;
      const { msg, field, list } = JSON.parse(line);
      assert.deepEqual([msg, field, list], [text, text, [text]]);
    });

for (const format of ['json', 'pretty'] as const)
  test(`${format}: a secret is cut out of message, field and list`, () => {
    const { log, lines } = capture({ format });
    log.error('got hunter2hunter2', { error: 'Bearer hunter2hunter2', keys: ['hunter2hunter2'] });
    assert.doesNotMatch(lines[0] ?? '', /hunter2/);
    assert.equal(lines[0]?.match(/\[redacted\]/g)?.length, 3);
  });

test('json: a secret that ends in a backslash does not break the line', () => {
  const { log, lines } = capture({ redact: makeRedactor(['ends-in\\']) });
  log.info('x', { text: 'ends-in\\', next: 'ends-in\\n' });
  const { text, next } = JSON.parse(lines[0] ?? '');
  assert.deepEqual([text, next], ['[redacted]', '[redacted]n']);
});

test('pretty: clock, level, message, fields', () => {
  const { log, lines } = capture({ format: 'pretty' });
  log.info('listening', { address: '127.0.0.1', port: 5730, note: 'two words', empty: '' });
  assert.match(
    lines[0] ?? '',
    /^\d\d:\d\d:00\.007 INFO {2}listening {2}address=127\.0\.0\.1 port=5730 note="two words" empty=""\n$/,
  );
});

test('pretty: colours only when asked', () => {
  const plain = capture({ format: 'pretty' });
  const coloured = capture({ format: 'pretty', colour: true });
  for (const { log } of [plain, coloured]) log.error('x', { a: 1 });
  const [plainLine = '', colouredLine = ''] = [...plain.lines, ...coloured.lines];
  assert.ok(!plainLine.includes('\x1b'));
  assert.ok(colouredLine.includes('\x1b[31mERROR\x1b[0m'));
  const bare = ['31', '90', '0'].reduce(
    (line, code) => line.replaceAll(`\x1b[${code}m`, ''),
    colouredLine,
  );
  assert.equal(bare, plainLine);
});

test('a log that cannot be written does not throw and says later how many lines are missing', () => {
  let broken = true;
  const lines: string[] = [];
  const write = (line: string) => {
    if (broken) throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    lines.push(line);
  };
  const { log } = capture({ write });
  log.info('a');
  log.error('b');
  broken = false;
  log.info('c');
  log.info('d');
  const [third, fourth] = lines.map((line) => JSON.parse(line));
  assert.equal(third.lost_lines, 2);
  assert.equal(fourth.lost_lines, undefined);
});

test('the lines of a turn are one write; a warning takes them along at once', () => {
  const turns: (() => void)[] = [];
  const { log, lines: writes } = capture({ later: (flush) => turns.push(flush) });
  const texts = () => writes.map((write) => write.match(/"msg":"(\w+)"/g)?.join() ?? '');
  log.info('a');
  log.info('b');
  assert.deepEqual(texts(), []);
  turns.shift()?.();
  assert.deepEqual(texts(), ['"msg":"a","msg":"b"']);
  log.info('c');
  log.warn('d');
  assert.deepEqual(texts().slice(1), ['"msg":"c","msg":"d"']);
  log.info('e');
  log.flush();
  for (const turn of turns) turn();
  assert.deepEqual(texts().slice(2), ['"msg":"e"']);
});

test('lines that are lost together are all counted, those that told of others too', () => {
  let broken = true;
  const lines: string[] = [];
  const write = (text: string) => {
    if (broken) throw new Error('EAGAIN');
    lines.push(text);
  };
  const { log } = capture({ write, later: () => {} });
  for (const text of ['a', 'b']) log.info(text);
  log.flush();
  log.info('c');
  log.flush();
  broken = false;
  log.info('d');
  log.flush();
  assert.equal(JSON.parse(lines[0] ?? '').lost_lines, 3);
});

test('a long batch does not wait for the end of the turn', () => {
  const { log, lines } = capture({ later: () => {} });
  for (let line = 0; line < 1_000; line++) log.info('x', { text: 'y'.repeat(100) });
  assert.ok(lines.length > 0);
});
