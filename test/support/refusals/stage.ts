/** A proxy between a client and a provider that refuses, on real sockets. */
import type { Lane } from '../../../lib/gateway.ts';
import { startProxy, type TestProxy } from '../proxy.ts';
import {
  type Answer,
  type Script,
  type ScriptedOptions,
  type ScriptedUpstream,
  scriptedUpstream,
} from '../scripted-upstream.ts';
import type { RefusalRow } from './outcomes.ts';

/** Secrets of the keys of provider p, by their names. */
export const SECRETS = {
  one: 'secret-of-one',
  two: 'secret-of-two',
  three: 'secret-of-three',
} as const;

const ORGS = { one: 'a', three: 'a', two: 'b' } as const;

/** Provider p; q is another one with the same models. Both are the same upstream. */
export interface Setting {
  readonly keys: readonly (keyof typeof SECRETS)[];
  readonly models: readonly string[];
  readonly q: boolean;
  readonly maxWait: string;
}

/** `one` and `three` are of one org. */
export const MANY: Setting = {
  keys: ['one', 'three', 'two'],
  models: ['m', 'n'],
  q: true,
  maxWait: '30ms',
};
export const ALONE: Setting = { keys: ['one'], models: ['m'], q: false, maxWait: '30ms' };

/** What the configuration needs of a row. */
type Speaking = Pick<RefusalRow, 'preset' | 'rules'>;

function yamlOf({ preset, rules = '[]' }: Speaking, url: string, setting: Setting): string {
  const keys = setting.keys.map(
    (name) => `{ key: ${SECRETS[name]}, name: ${name}, org: ${ORGS[name]} }`,
  );
  const place = `endpoint: ${url}/v1, models: [${setting.models.join(', ')}]`;
  const balancing = `{ strategy: round_robin, api_keys: [${keys.join(', ')}] }`;
  return `
providers:
  - { name: p, preset: ${preset}, ${place}, error_rules: ${rules}, load_balancing: ${balancing} }
${setting.q ? `  - { name: q, preset: generic, ${place}, api_key: secret-of-q }` : ''}
limits: { queue: { max_wait: ${setting.maxWait}, spill_after: 0 } }
`;
}

export interface Scene {
  readonly proxy: TestProxy;
  readonly upstream: ScriptedUpstream;
}

/** Runs `act` between the two, and takes everything down after it. */
export async function staged(
  speaking: Speaking,
  setting: Setting,
  script: Script,
  act: (scene: Scene) => Promise<void>,
  options: ScriptedOptions = {},
): Promise<void> {
  const upstream = await scriptedUpstream(script, options);
  const proxy = await startProxy(yamlOf(speaking, upstream.url, setting));
  try {
    await act({ proxy, upstream });
  } finally {
    await proxy.close();
    await upstream.close();
  }
}

/** What a provider says as the row has it. */
export function refusalOf({ status, headers = {}, body }: RefusalRow): Answer {
  return { status, headers, body: typeof body === 'string' ? body : body(Date.now()) };
}

/** Refuses key `one` as the row says, and no other. */
export function refusing(row: RefusalRow): Script {
  return ({ key }) => (key === SECRETS.one ? refusalOf(row) : undefined);
}

export interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly error?: { readonly type: string; readonly message: string } };
}

/** One request of an Anthropic client, answered whole. */
export async function ask({ proxy }: Scene, model = 'm'): Promise<Heard> {
  const answer = await fetch(`${proxy.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }),
  });
  const body = (await answer.json()) as Heard['body'];
  return { status: answer.status, headers: answer.headers, body };
}

/** Every lane of provider p, as `one/m`. */
export function lanesOf({ gateway }: TestProxy): [name: string, lane: Lane][] {
  const lanes = [...(gateway.providers[0]?.lanes ?? [])];
  return lanes.flatMap(([model, { list }]) =>
    list.map((lane): [string, Lane] => [`${lane.key.config.name}/${model}`, lane]),
  );
}
