/** Does a provider get each body as it was sent, whatever happens to others on their way, while
 *  memory goes from one to the next? */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { bodyMemory } from '../lib/body-memory.ts';
import { MAX_REUSED_BODY_BYTES } from '../lib/limits.ts';
import { nativeTransport } from '../lib/transports/native.ts';
import type { Call, Transport } from '../lib/transports/types.ts';
import { ask, chat, open } from './support/http-client.ts';
import { oneProvider, startProxy } from './support/proxy.ts';
import { listening, onRequests, rawServer } from './support/raw-server.ts';
import { DONE, delta } from './support/scripted.ts';
import { TEST_CA, TEST_TLS } from './support/tls.ts';
import { until } from './support/upstream.ts';

type Protocol = 'http' | 'https';

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const FIRST =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n' +
  chunk(delta('first'));
const REFUSED = 'HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}';
const REST = chunk(delta('last', 'stop') + DONE) + chunk('');

/** So large that a few of them fill the buffers of a connection. */
const words = (nth: number): string => `${nth} `.repeat((MAX_REUSED_BODY_BYTES - 2_000) / 3);

/** A request whose body is passed on as it is. */
const asking = (nth: number) => ({
  body: chat(words(nth), { stream: true, stream_options: { include_usage: true } }),
});

/** A transport that remembers its calls. */
function watched(transport: Transport): { readonly calls: readonly Call[]; pipe: Transport } {
  const calls: Call[] = [];
  const send: Transport['send'] = (request) => {
    const call = transport.send(request);
    calls.push(call);
    return call;
  };
  return { calls, pipe: { ...transport, send } };
}

/** What came on one connection. */
class Inbox {
  readonly socket: Socket;
  readonly #pieces: Buffer[] = [];
  #looked = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (piece: Buffer) => this.#pieces.push(piece));
  }

  /** Whether nothing has come since this was asked last. */
  get still(): boolean {
    const looked = this.#looked;
    this.#looked = this.#pieces.length;
    return looked === this.#looked;
  }

  /** The number that the content of each body repeats, `cut` where the end is missing, `wrong`
   *  where there is another. */
  get told(): string[] {
    const bytes = Buffer.concat(this.#pieces);
    const told: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const start = bytes.indexOf('\r\n\r\n', at) + 4;
      const head = bytes.toString('latin1', at, start);
      at = start + Number(/content-length: (\d+)/i.exec(head)?.[1]);
      told.push(tell(bytes.toString('latin1', start, at), at > bytes.length));
    }
    return told;
  }
}

function tell(body: string, cut: boolean): string {
  const content = /"content":"((\d+) [\d ]*)/.exec(body);
  const [, text = '', nth = ''] = content ?? [];
  const right = words(Number(nth)).startsWith(text) && (cut || text === words(Number(nth)));
  return `${nth}${right ? '' : ' wrong'}${cut ? ' cut' : ''}`;
}

/** A provider behind a proxy; `act` sees each connection of the provider. */
async function behindProxy(
  t: TestContext,
  protocol: Protocol,
  act: (inbox: Inbox, nth: number, reset: () => void) => void,
) {
  const inboxes: Inbox[] = [];
  const onSocket = (socket: Socket) => {
    const inbox = new Inbox(socket);
    const nth = inboxes.push(inbox) - 1;
    act(inbox, nth, () => (server.sockets[nth] as Socket).resetAndDestroy());
  };
  const server = await (protocol === 'http'
    ? rawServer(onSocket)
    : listening(createServer(TEST_TLS, onSocket)));
  const { calls, pipe } = watched(nativeTransport({ ca: TEST_CA }));
  const endpoint = `${protocol}://127.0.0.1:${server.port}/v1`;
  const proxy = await startProxy(oneProvider(endpoint), { transport: pipe });
  t.after(async () => {
    await server.close();
    await proxy.close();
  });
  const url = `${proxy.url}/openai/chat/completions`;
  const given = t.mock.method(bodyMemory, 'giveBack');
  return { inboxes, calls, url, given: () => given.mock.callCount() };
}

for (const protocol of ['http', 'https'] as const) {
  test(`a body that still waits for its provider keeps its memory, ${protocol}`, async (t) => {
    const rig = await behindProxy(t, protocol, ({ socket }, nth) => {
      if (nth === 0) socket.pause();
      else onRequests(socket, () => socket.write(FIRST + REST));
    });
    const { inboxes, calls, url } = rig;
    let nth = 0;
    let waiting = open(url, asking(nth));
    for (; nth < 20; waiting = open(url, asking(++nth))) {
      await until(() => calls.length === nth + 1 && inboxes.length === 1);
      for (let turn = 0; turn < 40; turn++) await new Promise(setImmediate);
      if (calls[nth]?.sent !== true) break;
      inboxes[0]?.socket.write(FIRST + REST);
      assert.equal((await waiting.done).status, 200);
      assert.equal(rig.given(), nth + 1);
    }
    inboxes[0]?.socket.write(FIRST);
    await waiting.has('first');
    assert.ok(nth > 0 && calls[nth]?.sent === false, 'the body is held up');
    assert.equal(rig.given(), nth);
    for (const other of [nth + 1, nth + 2]) {
      assert.equal((await ask(url, asking(other))).status, 200);
    }
    inboxes[0]?.socket.resume();
    await until(() => {
      const told = inboxes[0]?.still === true ? inboxes[0].told : [];
      return told.length > nth && !told.join().endsWith('cut');
    });
    inboxes[0]?.socket.write(REST);
    assert.match((await waiting.done).text, /last/);
    const sent = Array.from({ length: nth + 1 }, (_, at) => `${at}`);
    assert.deepEqual(
      inboxes.map(({ told }) => told),
      [sent, [`${nth + 1}`, `${nth + 2}`]],
    );
  });

  test(`bodies behind one that was cut, and one that was refused, ${protocol}`, async (t) => {
    const rig = await behindProxy(t, protocol, ({ socket }, nth, reset) => {
      let [whole, bytes] = [0, 0];
      onRequests(socket, (_head, before) => {
        whole = before + 1;
        bytes = 0;
        if (nth === 0 || whole !== 2) socket.write(FIRST + REST);
      });
      socket.on('data', (piece) => {
        const isPast = bytes > words(2).length / 2;
        bytes += piece.length;
        if (whole !== 1 || isPast || bytes <= words(2).length / 2) return;
        if (nth === 0) reset();
        else socket.write(REFUSED);
      });
    });
    const told: number[] = [];
    for (const nth of [1, 2, 3, 4, 5]) told.push((await ask(rig.url, asking(nth))).status);
    assert.deepEqual(told, [200, 200, 413, 200, 200]);
    await until(() => rig.inboxes.every(({ still }) => still));
    const came = rig.inboxes.flatMap((inbox) => inbox.told);
    assert.deepEqual(came.slice(0, 3), ['1', '2 cut', '2']);
    assert.deepEqual(came.slice(4), ['4', '5']);
    assert.match(came[3] ?? '', /^3(?: cut)?$/);
    assert.ok(rig.given() >= 4);
  });
}
