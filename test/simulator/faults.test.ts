/** Are fault specs read as they are documented, and are wrong ones refused? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultQueue, parseFaults } from '../../lib/simulator/faults.ts';

for (const { spec, want } of [
  { spec: '', want: [] },
  { spec: ' , ', want: [] },
  { spec: 'ok', want: [{ spelled: 'ok', kind: 'ok' }] },
  { spec: '429', want: [{ spelled: '429', kind: 'refusal', what: '429', afterS: undefined }] },
  { spec: '429:2', want: [{ spelled: '429:2', kind: 'refusal', what: '429', afterS: 2 }] },
  { spec: 'slow:70', want: [{ spelled: 'slow:70', kind: 'slow', delayMs: 70 }] },
  { spec: 'cutafter', want: [{ spelled: 'cutafter', kind: 'cutafter', afterChunks: 3 }] },
  { spec: 'cutafter:9', want: [{ spelled: 'cutafter:9', kind: 'cutafter', afterChunks: 9 }] },
  {
    spec: 'network_error, cut',
    want: [
      { spelled: 'network_error', kind: 'network_error', afterChunks: 0 },
      { spelled: 'cut', kind: 'cut' },
    ],
  },
]) {
  test(`spec "${spec}"`, () => assert.deepEqual(parseFaults(spec), want));
}

test('a star repeats', () => {
  const spelled = parseFaults('503*3,ok').map((fault) => fault.spelled);
  assert.deepEqual(spelled, ['503', '503', '503', 'ok']);
});

for (const spec of ['5000', 'slow', 'stall:', 'slow:x', 'cut:1', '429:-1', '429:1:2', 'ok*100000'])
  test(`refused: ${spec}`, () => assert.throws(() => parseFaults(spec), RangeError));

test('a queue gives in order, and a bad spec adds nothing', () => {
  const queue = new FaultQueue();
  queue.add('500,503');
  assert.throws(() => queue.add('ok,what'), RangeError);
  assert.equal(queue.size, 2);
  assert.equal(queue.next()?.spelled, '500');
  queue.add('cut');
  assert.deepEqual(
    [queue.next()?.spelled, queue.next()?.spelled, queue.next()],
    ['503', 'cut', undefined],
  );
  queue.add('ok');
  queue.clear();
  assert.equal(queue.size, 0);
});

test('a queue has an end', () => {
  const queue = new FaultQueue();
  queue.add('ok*10000');
  assert.throws(() => queue.add('ok'), RangeError);
});
