import assert from 'node:assert/strict';
import test from 'node:test';
import { CACHE_WARM_MS, MAX_SESSIONS, TELL_WARMTH_MS } from '../lib/limits.ts';
import type { Bucket } from '../lib/quotas/bucket.ts';
import { cacheKeyOf, classOf, Sessions, sessionOf } from '../lib/sessions.ts';

const SESSION = { 'x-claude-code-session-id': 's1' };
const AGENT = { ...SESSION, 'x-claude-code-agent-id': 'a1' };

for (const { name, headers, want } of [
  { name: 'the session id', headers: { ...SESSION, authorization: 'Bearer t' }, want: 's1' },
  { name: 'else the token', headers: { authorization: 'Bearer t' }, want: 'Bearer t' },
  { name: 'else the key', headers: { 'x-api-key': 'k' }, want: 'k' },
  { name: 'else nothing', headers: {}, want: '' },
]) {
  test(`sessions: turns by ${name}`, () => assert.equal(sessionOf(headers), want));
}

for (const { name, headers, background, want } of [
  { name: 'a main turn', headers: SESSION, background: false, want: 'main' },
  { name: 'a sub-agent', headers: AGENT, background: false, want: 'subagent' },
  { name: 'a helper call', headers: SESSION, background: true, want: 'background' },
  { name: 'a sub-agent on the small tier', headers: AGENT, background: true, want: 'subagent' },
]) {
  test(`sessions: class of ${name}`, () => assert.equal(classOf(headers, background), want));
}

test('sessions: the cache key holds session, agent and model, and needs a session', () => {
  assert.equal(cacheKeyOf({}, 'm'), '');
  assert.notEqual(cacheKeyOf(SESSION, 'm'), cacheKeyOf(AGENT, 'm'));
  assert.notEqual(cacheKeyOf(SESSION, 'm'), cacheKeyOf(SESSION, 'n'));
});

test('sessions: an org is warm for a while after it served', () => {
  const sessions = new Sessions();
  sessions.served('a', 7 as Bucket, 1_000);
  assert.equal(sessions.warmOrg('a', 1_000 + CACHE_WARM_MS - 1), 7);
  assert.equal(sessions.warmOrg('a', 1_000 + CACHE_WARM_MS), undefined);
  assert.equal(sessions.warmOrg('b', 1_000), undefined);
});

test('sessions: bounded, the one not used for longest is forgotten', () => {
  const sessions = new Sessions();
  for (let session = 0; session < MAX_SESSIONS; session++) {
    sessions.served(`s${session}`, 1 as Bucket, 0);
  }
  sessions.served('s0', 1 as Bucket, 0);
  sessions.served('new', 1 as Bucket, 0);
  assert.equal(sessions.size, MAX_SESSIONS);
  assert.equal(sessions.warmOrg('s0', 0), 1);
  assert.equal(sessions.warmOrg('s1', 0), undefined);
});

test('sessions: a warm cache is told when it is new, and now and then; what is heard is not', () => {
  const told: string[] = [];
  const sessions = new Sessions((key, org, nowMs) => told.push(`${key} ${org} ${nowMs}`));
  for (const [org, nowMs] of [
    [1, 0],
    [1, TELL_WARMTH_MS - 1],
    [1, TELL_WARMTH_MS],
    [2, TELL_WARMTH_MS + 1],
  ] as const) {
    sessions.served('a', org as Bucket, nowMs);
  }
  assert.deepEqual(told, ['a 1 0', `a 1 ${TELL_WARMTH_MS}`, `a 2 ${TELL_WARMTH_MS + 1}`]);
  sessions.hear('b', 3 as Bucket, 1_000);
  assert.equal(sessions.warmOrg('b', 1_000), 3);
  assert.equal(told.length, 3);
});
