import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Roster } from '../lib/roster.ts';

const member = (name: string) => ({ name, place: -1 });
const names = (roster: Roster<ReturnType<typeof member>>) =>
  roster
    .all()
    .map(({ name }) => name)
    .sort()
    .join('');

test('members leave in any order, and the others stay', () => {
  const orders = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'];
  for (const order of orders) {
    const roster = new Roster<ReturnType<typeof member>>();
    const members = new Map([...'abc'].map((name) => [name, member(name)]));
    for (const each of members.values()) roster.add(each);
    let left = 'abc';
    for (const name of order) {
      const leaving = members.get(name);
      assert.ok(leaving);
      roster.delete(leaving);
      left = left.replace(name, '');
      assert.equal(names(roster), left, order);
      assert.equal(roster.size, left.length);
      roster.delete(leaving); // a second time changes nothing
      assert.equal(roster.size, left.length);
    }
  }
});

test('one that was never here cannot leave, and one that left can come again', () => {
  const roster = new Roster<ReturnType<typeof member>>();
  const [first, second] = [member('a'), member('b')];
  roster.add(first);
  roster.delete(second);
  assert.equal(names(roster), 'a');
  roster.delete(first);
  roster.add(first);
  roster.add(second);
  assert.equal(names(roster), 'ab');
});

test('whoever is asked along may leave meanwhile', () => {
  const roster = new Roster<ReturnType<typeof member>>();
  for (const name of 'abcd') roster.add(member(name));
  for (const each of roster.all()) roster.delete(each);
  assert.equal(roster.size, 0);
});
