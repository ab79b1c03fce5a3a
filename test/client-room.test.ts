/** A client's own limits, over real sockets: who waits, who does not, and what comes back. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { leaveClientRoom, startsInTime, takeClientRoom } from '../lib/client-room.ts';
import type { ClientRuntime } from '../lib/clients.ts';
import { Exchange } from '../lib/exchange.ts';
import type { Bucket } from '../lib/quotas/bucket.ts';
import { newLease } from '../lib/quotas/lease.ts';
import type { WindowName } from '../lib/quotas/windows.ts';
import { compiled, NOW_MS } from './support/gateways.ts';
import { type Answered, chat, errorOf, type Live, message } from './support/http-client.ts';
import { metricOf, type Road, type RoadOptions, road, TOKEN } from './support/road.ts';
import { completion, DONE, delta, stream } from './support/scripted.ts';
import { seeded } from './support/seeded.ts';
import { until } from './support/upstream.ts';

const tokenOf = (name: string) => `${TOKEN}-${name}`;
const as = (name: string) => ({ authorization: `Bearer ${tokenOf(name)}` });

interface Team extends Road {
  /** A chat completion of a client. */
  say(name: string, body?: object): Promise<Answered>;
  start(name: string, body?: object): Live;
  used(name: string, window: WindowName): number;
  inFlight(name: string): number;
}

/** A road with clients `ann`, `bob` … that have these limits (YAML), and a token of everyone. */
async function team(
  t: TestContext,
  clients: Readonly<Record<string, string>>,
  options: RoadOptions = {},
  maxWait = '300ms',
): Promise<Team> {
  const list = Object.entries(clients).map(
    ([name, limits]) => `{ name: ${name}, token: ${tokenOf(name)}${limits && `, ${limits}`} }`,
  );
  const config = `server: { clients: [${list}], auth_tokens: [${tokenOf('all')}] }
limits: { queue: { max_wait: ${maxWait} } }
${options.config ?? ''}`;
  const rig = await road(t, { ...options, config });
  const { gateway } = rig.proxy;
  const bucketOf = (name: string) =>
    gateway.clients.find(({ config: { name: own } }) => own === name)?.bucket as Bucket;
  return {
    ...rig,
    say: (name, body = chat('x', { max_tokens: 100 })) => rig.chat(body, as(name)),
    start: (name, body = chat('x', { max_tokens: 100 })) =>
      rig.open('/openai/chat/completions', { body, headers: as(name) }),
    inFlight: (name) => gateway.quotas.inFlight(bucketOf(name)),
    used: (name, window) => gateway.quotas.usedInWindow(bucketOf(name), Date.now(), window),
  };
}

const NO_ROOM = /^client "ann" has no room until \d{4}-.*Z: its own limit of /;

test('requests per minute: one client at its limit, the others as before', async (t) => {
  const rig = await team(t, { ann: 'requests_per_minute: 2', bob: '' });
  const statuses: number[] = [];
  for (let n = 0; n < 3; n++) statuses.push((await rig.say('ann')).status);
  assert.deepEqual(statuses, [200, 200, 429]);
  const refused = await rig.messages(message('x'), as('ann'));
  assert.equal(refused.status, 429);
  assert.match(errorOf(refused).message, NO_ROOM);
  assert.match(errorOf(refused).message, /requests per minute$/);
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds >= 1 && seconds <= 59, String(seconds));
  assert.equal((await rig.say('bob')).status, 200);
  assert.equal((await rig.say('all')).status, 200);
  assert.equal(rig.provider.received.length, 4);
});

test('who waits for its own limit is in nobody’s way, and goes in when there is room', async (t) => {
  let finish = () => {};
  const rig = await team(
    t,
    { ann: 'max_concurrent: 1', bob: '' },
    {
      answers: [
        (response) => {
          finish = () => response.end(JSON.stringify({ choices: [] }));
        },
      ],
    },
    '20s',
  );
  const first = rig.start('ann');
  await until(() => rig.provider.received.length === 1);
  const waiting = rig.start('ann');
  await until(() => rig.proxy.gateway.waiting.depth === 1);
  assert.equal((await rig.say('bob')).status, 200);
  assert.equal(rig.proxy.gateway.waiting.depth, 1);
  finish();
  await first.done;
  assert.equal((await waiting.done).status, 200);
});

test('a day used up is told at once, with the time', async (t) => {
  const rig = await team(t, { ann: 'tokens_per_day: 160' }, {}, '100s');
  let last = await rig.say('ann');
  for (let n = 0; n < 10 && last.status === 200; n++) last = await rig.say('ann');
  assert.equal(last.status, 429);
  assert.equal(last.headers['retry-after'], '59');
  const text = errorOf(last).message;
  assert.match(text, /^Approaching daily request limit: client "ann" has no room until \d{4}-/);
  assert.match(text, /tokens per day$/);
  assert.ok(rig.used('ann', 'tokens_day') <= 160);
});

test('more tokens than the limit will ever allow: no repeat helps', async (t) => {
  const rig = await team(t, { ann: 'tokens_per_minute: 50' });
  const refused = await rig.say('ann');
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['x-should-retry'], 'false');
  assert.match(errorOf(refused).message, /more than a limit of client "ann" will ever allow/);
  assert.equal(rig.provider.received.length, 0);
});

test('attempts are the proxy’s business: a request counts once, with what its answer used', async (t) => {
  const broken = { status: 500, body: {} };
  const rig = await team(
    t,
    { ann: 'requests_per_minute: 9, tokens_per_minute: 9000' },
    { answers: [broken, broken] },
    '20s',
  );
  const answer = await rig.say('ann');
  assert.deepEqual([answer.status, answer.headers['x-cooldown-attempts']], [200, '3']);
  await rig.quiet();
  assert.equal(rig.used('ann', 'requests_minute'), 1);
  assert.equal(rig.used('ann', 'tokens_minute'), 16); // as reported
});

test('a request that never went out takes nothing', async (t) => {
  const rig = await team(
    t,
    { ann: 'requests_per_minute: 9, tokens_per_minute: 9000' },
    { keys: ['{ max_requests_per_minute: 1 }'] },
  );
  assert.deepEqual([(await rig.say('ann')).status, (await rig.say('ann')).status], [200, 429]);
  assert.equal((await rig.say('ann', chat('x', { model: 'nope' }))).status, 404);
  await rig.quiet();
  assert.equal(rig.used('ann', 'requests_minute'), 1);
  assert.equal(rig.used('ann', 'tokens_minute'), 16);
});

test('a failed one has started, but used nothing', async (t) => {
  const rig = await team(
    t,
    { ann: 'requests_per_minute: 9, tokens_per_minute: 9000' },
    { answers: [{ status: 400, body: { error: { message: 'bad' } } }] },
  );
  assert.equal((await rig.say('ann')).status, 400);
  await rig.quiet();
  assert.equal(rig.used('ann', 'requests_minute'), 1);
  assert.equal(rig.used('ann', 'tokens_minute'), 0);
});

test('a client that hangs up leaves its line, or pays for what it has got', async (t) => {
  const rig = await team(
    t,
    { ann: 'max_concurrent: 1, requests_per_minute: 9, tokens_per_minute: 9000' },
    {
      answers: [
        (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(delta('one two three'));
        },
      ],
    },
    '20s',
  );
  const first = rig.start('ann', chat('x', { stream: true, max_tokens: 100 }));
  await first.has('one');
  const second = rig.start('ann');
  await until(() => rig.proxy.gateway.waiting.depth === 1);
  second.hangUp();
  await until(() => rig.proxy.gateway.waiting.depth === 0);
  assert.equal(rig.used('ann', 'requests_minute'), 1);
  first.hangUp();
  await rig.quiet();
  assert.equal(rig.used('ann', 'requests_minute'), 1);
  assert.ok(rig.used('ann', 'tokens_minute') > 0);
  assert.ok(rig.used('ann', 'tokens_minute') < 100);
});

test('a model of others is 403 before anything else, and in no list', async (t) => {
  const rig = await team(t, { ann: 'models: [glm-4.5-air]', bob: '' });
  for (const answer of [
    await rig.say('ann'),
    await rig.messages(message('x'), as('ann')),
    await rig.ask('/openai/embeddings', {
      body: { model: 'glm-4.6', input: 'x' },
      headers: as('ann'),
    }),
  ]) {
    assert.equal(answer.status, 403);
    const { type, message: text } = errorOf(answer);
    assert.equal(type, 'permission_error');
    assert.equal(text, 'Client "ann" may not use model "glm-4.6", only glm-4.5-air');
  }
  assert.equal(rig.provider.received.length, 0);
  assert.equal((await rig.say('ann', chat('x', { model: 'glm-4.5-air' }))).status, 200);
  const idsFor = async (path: string, name: string) => {
    const { text } = await rig.ask(path, { headers: as(name) });
    return (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id);
  };
  assert.deepEqual(await idsFor('/openai/models', 'ann'), ['glm-4.5-air']);
  assert.deepEqual(await idsFor('/openai/models', 'bob'), ['glm-4.6', 'glm-4.5-air']);
  assert.deepEqual(await idsFor('/anthropic/v1/models', 'ann'), ['glm-4.5-air', 'claude-haiku']);
  const one = await rig.ask('/openai/models/glm-4.6', { headers: as('ann') });
  assert.equal(one.status, 403);
});

test('a client has its name in the log and in metrics; a token of everyone has none', async (t) => {
  const rig = await team(t, { ann: '', bob: 'models: [x]' });
  await rig.say('ann');
  await rig.say('all');
  await rig.say('bob');
  await rig.ask('/openai/nowhere', { headers: as('ann') });
  assert.equal((await rig.requestLine(1)).client, 'ann');
  assert.equal('client' in (await rig.requestLine(2)), false);
  assert.equal((await rig.requestLine(3)).client, 'bob');
  assert.equal((await rig.requestLine(4)).client, 'ann');
  assert.deepEqual(await metricOf(rig, 'cooldown_client_requests_total'), [
    '{client="ann",status="200"} 1',
    '{client="bob",status="403"} 1',
    '{client="ann",status="405"} 1',
  ]);
  assert.deepEqual((await metricOf(rig, 'cooldown_client_tokens_total')).slice(0, 2), [
    '{client="ann",type="input"} 11',
    '{client="ann",type="output"} 5',
  ]);
  assert.equal((await rig.ask('/openai/models')).status, 401);
});

const LIMITED = `
server:
  clients: [{ name: ann, token: t, requests_per_minute: 7, tokens_per_minute: 900 }]
limits: { queue: { max_wait: 0 } }
providers: [{ name: p, endpoint: "http://localhost/v1", models: [{ id: m, max_output_tokens: 100 }] }]
`;

/** As much of an exchange as the client's room looks at. */
function exchangeOf(gateway: ReturnType<typeof compiled>, promptTokens: number): Exchange {
  const client = gateway.clients[0] as ClientRuntime;
  return Object.assign(Object.create(Exchange.prototype), {
    gateway,
    client,
    clientLease: newLease(),
    route: gateway.models.find('m'),
    promptTokens,
    startedMs: gateway.nowMs(),
    asked: null,
    attempts: 0,
    sentAt: 0,
  });
}

test('property: in no 60 seconds more starts than the limit, however long they waited for a key', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    let nowMs = NOW_MS;
    const gateway = compiled(LIMITED, () => nowMs);
    const held: Exchange[] = [];
    const starts: number[] = [];
    for (let step = 0; step < 400; step++) {
      nowMs += Math.floor(random() * 3_000);
      const x = exchangeOf(gateway, Math.floor(random() * 200));
      const went = await takeClientRoom(x).then(
        () => true,
        () => false,
      );
      if (went) {
        held.push(x);
        const { bucket } = gateway.clients[0] as ClientRuntime;
        const tokens = gateway.quotas.usedInWindow(bucket, nowMs, 'tokens_minute');
        assert.ok(tokens <= 900, `seed ${seed}: ${tokens} tokens`);
      }
      const at = Math.floor(random() * held.length * 3);
      const one = held[at];
      if (one === undefined) continue;
      held.splice(at, 1);
      if (random() < 0.2) {
        leaveClientRoom(one, nowMs, 0); // it never got a key
        continue;
      }
      if (!startsInTime(one, nowMs)) continue;
      one.sentAt = 1;
      starts.push(nowMs);
      leaveClientRoom(one, nowMs, Math.floor(random() * 300));
    }
    for (const end of starts) {
      const inMinute = starts.filter((at) => at <= end && at > end - 60_000).length;
      assert.ok(inMinute <= 7, `seed ${seed}: ${inMinute} starts`);
    }
    assert.ok(starts.length > 30, `seed ${seed}: ${starts.length}`);
  }
});

test('property: whatever goes wrong, never over a limit, and all of it comes back', async (t) => {
  const random = seeded(7);
  const most = { ann: 0, bob: 0 };
  const rig = await team(
    t,
    { ann: 'max_concurrent: 2, requests_per_minute: 12', bob: 'max_concurrent: 3' },
    {
      keys: ['{ max_concurrent: 3 }', '{}'],
      otherwise: [
        (response, { body }) => {
          const name = body.includes('from ann') ? 'ann' : 'bob';
          most[name] = Math.max(most[name], rig.inFlight(name));
          const luck = random();
          const answer = completion('x');
          if (typeof answer === 'function') return;
          if (luck < 0.15) response.socket?.destroy();
          else if (luck < 0.3) response.writeHead(500).end('{}');
          else if (luck < 0.4) response.writeHead(400).end('{}');
          else setTimeout(() => response.end(JSON.stringify(answer.body)), 5 * random());
        },
      ],
    },
    '2s',
  );
  const all: Promise<Answered>[] = [];
  for (let n = 0; n < 60; n++) {
    const name = random() < 0.5 ? 'ann' : 'bob';
    const live = rig.start(name, chat(`from ${name}`, { max_tokens: 10 }));
    if (random() < 0.15) setTimeout(() => live.hangUp(), 20 * random());
    all.push(live.done);
  }
  const statuses = (await Promise.all(all)).map(({ status }) => status);
  await rig.quiet();
  assert.ok(most.ann <= 2 && most.bob <= 3, JSON.stringify(most));
  assert.ok(statuses.includes(200) && statuses.includes(429));
  assert.ok(rig.used('ann', 'requests_minute') <= 12);
});

test('a stream of a client is settled when it ends', async (t) => {
  const usage = { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 };
  const rig = await team(
    t,
    { ann: 'max_concurrent: 1, tokens_per_minute: 9000' },
    {
      answers: [
        stream(
          delta('a'),
          delta('b', 'stop'),
          `data: ${JSON.stringify({ choices: [], usage })}\n\n`,
          DONE,
        ),
      ],
    },
  );
  const answer = await rig.say('ann', chat('x', { stream: true, max_tokens: 50 }));
  assert.match(answer.text, /\[DONE\]/);
  await rig.quiet();
  assert.equal(rig.used('ann', 'tokens_minute'), 42);
});
