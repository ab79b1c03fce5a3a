/** Is what the registry writes what Prometheus reads, and does it stay bounded? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Gauge, HistogramChild, Registry } from '../../lib/telemetry/registry.ts';
import { type Family, parseExposition } from '../support/exposition.ts';

const family = (registry: Registry, name: string): Family => {
  const found = parseExposition(registry.render()).get(name);
  assert.ok(found, `${name} is not in the exposition`);
  return found;
};

test('counter: one child per combination of labels, found again', () => {
  const registry = new Registry();
  const counter = registry.counter('hits_total', 'Hits.', ['room', 'status']);
  counter.labels('a', '200').add();
  counter.labels('a', '200').add(2);
  counter.labels('a', '500').add();
  counter.labels('b', '200').add();
  assert.equal(counter.labels('a', '200'), counter.labels('a', '200'));
  assert.equal(
    registry.render(),
    '# HELP hits_total Hits.\n# TYPE hits_total counter\n' +
      'hits_total{room="a",status="200"} 3\n' +
      'hits_total{room="a",status="500"} 1\n' +
      'hits_total{room="b",status="200"} 1\n',
  );
});

for (const { name, count, want } of [
  { name: 'zero', count: 0, want: 0 },
  { name: 'negative', count: -3, want: 0 },
  { name: 'NaN', count: Number.NaN, want: 0 },
  { name: 'fraction', count: 0.5, want: 0.5 },
])
  test(`counter: add ${name}`, () => {
    const counter = new Registry().counter('c', 'C.', []);
    counter.labels().add(count);
    assert.equal(counter.labels().value, want);
  });

test('a metric without labels is shown from the start, as zero', () => {
  const registry = new Registry();
  registry.counter('a_total', 'A.', []);
  registry.gauge('b', 'B.', []);
  registry.histogram('c', 'C.', [], [1]);
  assert.deepEqual(family(registry, 'a_total').samples[0]?.value, 0);
  assert.deepEqual(family(registry, 'b').samples[0]?.value, 0);
  assert.deepEqual(
    family(registry, 'c').samples.map(({ name, value }) => [name, value]),
    [
      ['c_bucket', 0],
      ['c_bucket', 0],
      ['c_sum', 0],
      ['c_count', 0],
    ],
  );
});

for (const value of ['quote " back \\ line\nend', '\\n', '', 'ünï 日本', '{a="b"} 1', 'a,b'])
  test(`label value and help survive: ${JSON.stringify(value)}`, () => {
    const registry = new Registry();
    registry.gauge('g', `Help ${value}`, ['first', 'second']).labels(value, 'x').set(1);
    const read = family(registry, 'g');
    assert.equal(read.help, `Help ${value}`);
    assert.deepEqual(
      [...(read.samples[0]?.labels ?? [])],
      [
        ['first', value],
        ['second', 'x'],
      ],
    );
  });

for (const value of [1.5, -2, 1e21, 1e-7, Number.NaN, Infinity, -Infinity])
  test(`value survives: ${value}`, () => {
    const registry = new Registry();
    registry.gauge('g', 'G.', []).labels().set(value);
    assert.equal(family(registry, 'g').samples[0]?.value, value);
  });

test('gauge: a collector sets every child anew', () => {
  const registry = new Registry();
  const gauge: Gauge<readonly ['key']> = registry.gauge('g', 'G.', ['key']);
  let keys = ['a', 'b'];
  gauge.collect(() => {
    for (const key of keys) gauge.labels(key).add(1);
  });
  const shown = () =>
    family(registry, 'g').samples.map((each) => [each.labels.get('key'), each.value]);
  assert.deepEqual(shown(), [
    ['a', 1],
    ['b', 1],
  ]);
  keys = ['b'];
  assert.deepEqual(shown(), [['b', 1]]);
});

test('histogram: a value on a bound belongs to its bucket, beyond the last to +Inf', () => {
  const registry = new Registry();
  const histogram = registry.histogram('h_seconds', 'H.', ['p'], [0.1, 1, 10]);
  const child = histogram.labels('x');
  for (const value of [0.05, 0.1, 0.5, 10, 11, 1e9, Number.NaN]) child.observe(value);
  const { samples } = family(registry, 'h_seconds');
  assert.deepEqual(
    samples.map(({ name, labels, value }) => [name, labels.get('le'), value]),
    [
      ['h_seconds_bucket', '0.1', 2],
      ['h_seconds_bucket', '1', 3],
      ['h_seconds_bucket', '10', 4],
      ['h_seconds_bucket', '+Inf', 6],
      ['h_seconds_sum', undefined, 1_000_000_021.65],
      ['h_seconds_count', undefined, 6],
    ],
  );
  assert.ok(child instanceof HistogramChild);
});

test('beyond the cap everything is booked on one child named other', () => {
  const registry = new Registry(3);
  const counter = registry.counter('c_total', 'C.', ['a', 'b']);
  for (let each = 0; each < 1_000; each++) counter.labels(`a${each % 500}`, `b${each}`).add();
  const { samples } = family(registry, 'c_total');
  assert.equal(samples.length, 4);
  assert.deepEqual([...(samples[3]?.labels.values() ?? [])], ['other', 'other']);
  assert.equal(samples[3]?.value, 997);
});

test('beyond the cap a combination that already exists is still its own', () => {
  const counter = new Registry(1).counter('c_total', 'C.', ['a']);
  const first = counter.labels('kept');
  counter.labels('late').add();
  assert.equal(counter.labels('kept'), first);
  assert.equal(first.value, 0);
});

test('one name, one metric', () => {
  const registry = new Registry();
  registry.gauge('same', 'S.', []);
  assert.throws(() => registry.counter('same', 'S.', []), /same exists already/);
});
