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
];

for (const { name, run, want } of STEPS) {
  test(`watch: ${name}`, () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const seen: TimeoutFault[] = [];
    run(new Watch((fault) => seen.push(fault)), (ms) => mock.timers.tick(ms));
    mock.timers.reset();
    assert.deepEqual(seen, want);
  });
}

test('watch: a limit of the same length starts anew, under its own name', async () => {
  const fault = await new Promise<TimeoutFault>((resolve) => {
    const watch = new Watch(resolve);
    watch.arm('first-byte-timeout', 20);
    watch.disarm();
    watch.arm('idle-timeout', 20);
  });
  assert.equal(fault, 'idle-timeout');
});

test('watch: a timer that ran out unwatched starts again', async () => {
  const seen: TimeoutFault[] = [];
  await new Promise<void>((resolve) => {
    const watch = new Watch((fault) => {
      seen.push(fault);
      resolve();
    });
    watch.arm('idle-timeout', 5);
    watch.disarm();
    setTimeout(() => watch.arm('idle-timeout', 5), 20);
  });
  assert.deepEqual(seen, ['idle-timeout']);
});
