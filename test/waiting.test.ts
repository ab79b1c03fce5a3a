import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { type Crowd, type Leaver, type WaitEnd, Waiting, type WaitTerms } from '../lib/waiting.ts';

const FAR_MS = 60_000;

/** A clock, and the timers of this process with it, that stand still until told to go on. */
function driven(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  let atMs = 1_000_000;
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) {
      atMs += 1;
      mock.timers.tick(1);
    }
  };
  return { nowMs: () => atMs, pass };
}

/** A room with `places`, and waiters that take one each. */
function make(places: number, maxDepth = 100, nowMs = Date.now) {
  const waiting = new Waiting(maxDepth, nowMs);
  const state = { places, order: [] as string[] };
  const enter = (name: string, terms: Partial<WaitTerms> = {}) => {
    const leaver: Leaver = { onAbort: null };
    const wait = waiting.wait(leaver, {
      line: 'model',
      session: name,
      class: 'main',
      deadlineMs: nowMs() + FAR_MS,
      tryNow: () => {
        if (state.places === 0) return Number.POSITIVE_INFINITY;
        state.places -= 1;
        state.order.push(name);
        return 0;
      },
      ...terms,
    });
    return { leaver, wait };
  };
  const release = () => {
    state.places += 1;
    waiting.onRelease();
  };
  return { waiting, state, enter, release };
}

test('waiting: with room one goes in at once', async () => {
  const { enter, waiting } = make(1);
  assert.equal(await enter('a').wait, 'let-in');
  assert.equal(waiting.depth, 0);
});

test('waiting: whoever came first goes in first, one for each place that comes back', async () => {
  const { enter, release, state, waiting } = make(0);
  const waits = ['a', 'b', 'c'].map((name) => enter(name).wait);
  assert.equal(waiting.depthOf('model'), 3);
  release();
  await waits[0];
  assert.deepEqual(state.order, ['a']);
  release();
  release(); // two in one turn of the loop
  assert.deepEqual(await Promise.all(waits), ['let-in', 'let-in', 'let-in']);
  assert.deepEqual(state.order, ['a', 'b', 'c']);
});

test('waiting: a main turn goes before sub-agents and helpers', async () => {
  const { enter, release, state } = make(0);
  const waits = [
    enter('helper', { class: 'background' }).wait,
    enter('agent', { class: 'subagent' }).wait,
    enter('main').wait,
  ];
  for (const _ of waits) release();
  await Promise.all(waits);
  assert.deepEqual(state.order, ['main', 'agent', 'helper']);
});

test('waiting: the moment that was computed is waited for, not polled', async (t) => {
  const { nowMs, pass } = driven(t);
  let reads = 0;
  const { enter, waiting } = make(0, 100, () => {
    reads += 1;
    return nowMs();
  });
  const startMs = nowMs();
  const looks: number[] = [];
  const { wait } = enter('a', {
    tryNow: (atMs) => {
      looks.push(atMs - startMs);
      return atMs >= startMs + 30 ? 0 : startMs + 30;
    },
  });
  const readBefore = reads;
  pass(29);
  assert.equal(waiting.depth, 1);
  assert.equal(reads, readBefore, 'nobody looks before');
  pass(1);
  assert.equal(waiting.depth, 0);
  assert.equal(await wait, 'let-in');
  assert.deepEqual(looks, [0, 30]);
});

test('waiting: a deadline ends it', async (t) => {
  const { nowMs, pass } = driven(t);
  const { enter, waiting } = make(0, 100, nowMs);
  const { wait } = enter('a', { deadlineMs: nowMs() + 10 });
  pass(9);
  assert.equal(waiting.depth, 1);
  pass(1);
  assert.equal(waiting.depth, 0);
  assert.equal(await wait, 'expired');
});

test('waiting: whoever hangs up leaves at once and takes nothing', async () => {
  const { enter, release, state, waiting } = make(0);
  const first = enter('a');
  const second = enter('b');
  first.leaver.onAbort?.();
  assert.equal(await first.wait, 'gone');
  assert.equal(waiting.depth, 1);
  release();
  assert.equal(await second.wait, 'let-in');
  assert.deepEqual(state.order, ['b']);
});

test('waiting: a full room takes nobody', () => {
  const { enter } = make(0, 1);
  const first = enter('a');
  assert.notEqual(first.wait, null);
  assert.equal(enter('b').wait, null);
  first.leaver.onAbort?.();
});

test('waiting: 10,000 that all hang up leave nothing behind', async () => {
  const { enter, waiting } = make(0, 20_000);
  const all = Array.from({ length: 10_000 }, (_, n) => enter(`s${n % 100}`));
  for (const { leaver } of all) leaver.onAbort?.();
  const ends = new Set<WaitEnd | null>(await Promise.all(all.map(({ wait }) => wait)));
  assert.deepEqual([...ends], ['gone']);
  assert.equal(waiting.depth, 0);
});

test('waiting: whoever has waited for longer in another thread gets a head start', async (t) => {
  const { nowMs, pass } = driven(t);
  const shown: string[][] = [];
  const crowd: Crowd = {
    enter: () => true,
    leave: () => {},
    show: (firsts) => shown.push([...firsts].map(([line]) => line)),
    isAhead: (line) => line === 'contested',
    ring: () => {},
    seen: () => 0,
    sleep: () => {},
  };
  const waiting = new Waiting(10, nowMs, undefined, crowd);
  const tries: string[] = [];
  const enter = (line: string) => {
    const tryNow = () => {
      tries.push(line);
      return 0;
    };
    const deadlineMs = nowMs() + FAR_MS;
    return waiting.wait(
      { onAbort: null },
      { line, session: '', class: 'main', deadlineMs, tryNow },
    );
  };
  const waits = [enter('contested'), enter('other')];
  assert.deepEqual(tries, ['other'], 'nobody is ahead there');
  pass(1);
  assert.deepEqual(tries, ['other'], 'whoever is ahead has time to look');
  pass(9);
  assert.deepEqual(tries, ['other', 'contested'], 'a moment later, not never');
  assert.deepEqual(await Promise.all(waits), ['let-in', 'let-in']);
  assert.deepEqual([shown[0], shown.at(-1)], [['contested'], []]);
  assert.deepEqual([waiting.isWanted('contested'), waiting.isWanted('other')], [true, false]);
});
