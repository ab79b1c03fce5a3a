/** Does the one timer tell the right limit, and nothing while nobody watches? */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { type TimeoutFault, Watch } from '../../lib/transports/watch.ts';

interface Step {
  readonly name: string;
  readonly run: (watch: Watch, tick: (ms: number) => void) => void;
  readonly want: readonly TimeoutFault[];
}

const STEPS: readonly Step[] = [
  {
    name: 'runs out once',
    run: (watch, tick) => {
      watch.arm('connect-timeout', 10);
      tick(9);
      tick(1);
      tick(100);
    },
    want: ['connect-timeout'],
  },
  {
    name: 'another limit of another length takes its place',
    run: (watch, tick) => {
      watch.arm('connect-timeout', 10);
      watch.arm('first-byte-timeout', 30);
      tick(29);
      watch.arm('idle-timeout', 20);
      tick(20);
    },
    want: ['idle-timeout'],
  },
  {
    name: 'unwatched and stopped: silence',
    run: (watch, tick) => {
      watch.arm('first-byte-timeout', 10);
      watch.disarm();
      tick(50);
      watch.arm('idle-timeout', 20);
      watch.stop();
      tick(50);
    },
    want: [],
  },
  {
    name: 'a limit of the same length starts anew, under its own name',
    run: (watch, tick) => {
      watch.arm('first-byte-timeout', 20);
      tick(15);
      watch.disarm();
      watch.arm('idle-timeout', 20);
      tick(19);
      watch.arm('idle-timeout', 20);
      tick(19);
      watch.arm('idle-timeout', 20);
      tick(20);
    },
    want: ['idle-timeout'],
  },
  {
    name: 'a shorter limit does not wait for a longer one before it',
    run: (watch, tick) => {
      watch.arm('first-byte-timeout', 1_000);
      watch.arm('idle-timeout', 20);
      tick(19);
      watch.arm('idle-timeout', 20);
      tick(20);
    },
    want: ['idle-timeout'],
  },
  {
    name: 'a timer that ran out unwatched starts again, and so does one that was stopped',
    run: (watch, tick) => {
      watch.arm('idle-timeout', 5);
      watch.disarm();
      tick(20);
      watch.arm('idle-timeout', 5);
      tick(5);
      watch.arm('first-byte-timeout', 5);
      watch.stop();
      watch.arm('connect-timeout', 5);
      tick(5);
    },
    want: ['idle-timeout', 'connect-timeout'],
  },
];

for (const { name, run, want } of STEPS) {
  test(`watch: ${name}`, () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    let nowMs = 0;
    const seen: TimeoutFault[] = [];
    const watch = new Watch(
      (fault) => seen.push(fault),
      () => nowMs,
    );
    run(watch, (ms) => {
      for (let passed = 0; passed < ms; passed++) {
        nowMs++;
        mock.timers.tick(1);
      }
    });
    mock.timers.reset();
    assert.deepEqual(seen, want);
  });
}

test('watch: its timer does not keep the process alive, and is on time', async () => {
  const running = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const startMs = performance.now();
  const alive = setInterval(() => {}, 1_000);
  try {
    const fault = await new Promise<TimeoutFault>((resolve) => {
      new Watch(resolve).arm('idle-timeout', 30);
      const now = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      assert.equal(now, running + 1);
    });
    assert.equal(fault, 'idle-timeout');
    assert.ok(performance.now() - startMs >= 30);
  } finally {
    clearInterval(alive);
  }
});
