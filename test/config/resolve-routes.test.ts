import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servers } from '../../lib/config/resolve-routes.ts';
import { faultsOf, good, LOCAL, warningsOf } from '../support/configs.ts';

const TWO = `
providers:
  - { name: a, endpoint: "http://localhost", models: [glm-4.6, glm-4.5-air, org/m] }
  - { name: org, endpoint: "http://localhost", models: [M, glm-4.6] }
  - { name: off, endpoint: "http://localhost", models: [gone], api_key: "" }
`;

for (const { name, text, env, want } of [
  { name: 'nothing said', text: '', env: {}, want: ['glm-4.5-air', 'glm-4.6', 'glm-4.6'] },
  {
    name: 'the environment',
    text: '',
    env: { ANTHROPIC_DEFAULT_HAIKU_MODEL: 'M' },
    want: ['M', 'glm-4.6', 'glm-4.6'],
  },
  {
    name: 'the file wins',
    text: 'environment_models: { haiku: gone }',
    env: { ANTHROPIC_DEFAULT_HAIKU_MODEL: 'M' },
    want: ['gone', 'glm-4.6', 'glm-4.6'],
  },
  {
    name: 'empty is not said',
    text: 'environment_models: { opus: "" }',
    env: { ANTHROPIC_DEFAULT_OPUS_MODEL: 'M' },
    want: ['glm-4.5-air', 'glm-4.6', 'M'],
  },
  {
    name: 'an empty variable is not said',
    text: '',
    env: { ANTHROPIC_DEFAULT_OPUS_MODEL: '' },
    want: ['glm-4.5-air', 'glm-4.6', 'glm-4.6'],
  },
]) {
  test(`tiers: ${name}`, () => {
    const { haiku, sonnet, opus } = good(text + TWO, env).tiers;
    assert.deepEqual([haiku, sonnet, opus], want);
  });
}

test('rules keep their order; patterns are lower case, targets are not', () => {
  const text = 'models: { "Claude-Opus-4-*": glm-4.6, "*": M, "10": org/M }';
  assert.deepEqual(good(text + TWO).modelRules, [
    { pattern: 'claude-opus-4-*', target: 'glm-4.6' },
    { pattern: '*', target: 'M' },
    { pattern: '10', target: 'org/M' },
  ]);
});

for (const { name, text, why } of [
  { name: 'twice', text: 'models: { a: M, A: M }', why: /^1:17: models: "a" was already given/ },
  { name: 'empty pattern', text: 'models: { "": M }', why: /a pattern is 1 to 256 characters/ },
  { name: 'no target', text: 'models: { a: "" }', why: /the rule "a" names no model/ },
  { name: 'a list', text: 'models: [a]', why: /models: wants a mapping, found a list/ },
]) {
  test(`rule fault: ${name}`, () => assert.match(faultsOf(text + TWO).join('\n'), why));
}

for (const { target, want } of [
  { target: 'glm-4.6', want: ['a', 'org'] },
  { target: 'GLM-4.6', want: ['a', 'org'] },
  { target: 'org/glm-4.6', want: ['org'] },
  { target: 'ORG/m', want: ['a'] },
  { target: 'gone', want: ['off'] },
  { target: 'nope/glm-4.6', want: [] },
  { target: '/glm-4.6', want: [] },
  { target: 'nope', want: [] },
]) {
  test(`who serves ${target}`, () => {
    const found = servers(target, good(TWO).providers).map(({ name }) => name);
    assert.deepEqual(found, want);
  });
}

for (const { name, text, want } of [
  {
    name: 'tier',
    text: 'environment_models: { opus: nope }',
    want: '1:29: environment_models.opus: no provider serves "nope": requests for it get a 404',
  },
  {
    name: 'default',
    text: 'environment_models: { default: nope }',
    want: '1:32: environment_models.default: no provider serves "nope": requests for it get a 404',
  },
  {
    name: 'rule',
    text: 'models: { x: nope }',
    want: '1:11: models: no provider serves "nope": requests for it get a 404',
  },
  {
    name: 'pin to nobody',
    text: 'models: { x: nope/M }',
    want: '1:11: models: no provider serves "nope/M": there is no provider "nope"',
  },
  {
    name: 'pin to another',
    text: 'models: { x: org/gone }',
    want: '1:11: models: no provider serves "org/gone": provider "org" does not list that model',
  },
  {
    name: 'disabled',
    text: 'models: { x: gone }',
    want: '1:11: models: "gone" is served by disabled providers only: off',
  },
]) {
  test(`a target that leads nowhere: ${name}`, () => {
    assert.equal(warningsOf(text + TWO)[0], want);
  });
}

test('tiers that lead somewhere are no warning', () => assert.deepEqual(warningsOf(LOCAL), []));
