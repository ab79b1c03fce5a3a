/**
 * The provider of a soak: `upstream-process.ts EVERY_MS EVENTS`. Streams of numbered deltas that
 * say when they were written, in ns of the machine's monotonic clock, which its processes share.
 *
 * One timer serves all streams, in turns spread over the interval, so that thousands of them do not
 * write in the same moment.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const everyMs = Number(process.argv[2]);
const events = Number(process.argv[3]);
const TURNS = 20;

interface Stream {
  readonly response: ServerResponse;
  next: number;
}

const turns: Set<Stream>[] = Array.from({ length: TURNS }, () => new Set());
let newest = 0;
let now = 0;

const chunk = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-soak',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'soak',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;
const [BEFORE = '', AFTER = ''] = chunk({ content: '<>' }, null).split('<>');
const FIRST = chunk({ role: 'assistant', content: '' }, null);
const LAST = `${chunk({}, 'stop')}data: [DONE]\n\n`;

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write(FIRST);
    const stream = { response, next: 0 };
    const turn = turns[newest++ % TURNS] as Set<Stream>;
    turn.add(stream);
    response.once('close', () => turn.delete(stream));
  });
});

setInterval(() => {
  const turn = turns[now++ % TURNS] as Set<Stream>;
  for (const stream of turn) {
    if (stream.next < events) {
      stream.response.write(`${BEFORE}<${stream.next++} ${process.hrtime.bigint()}>${AFTER}`);
      continue;
    }
    turn.delete(stream);
    stream.response.end(LAST);
  }
}, everyMs / TURNS);

process.once('disconnect', () => process.exit());
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
});
