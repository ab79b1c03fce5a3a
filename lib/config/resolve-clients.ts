/** `server.clients`: who may use the proxy by name, for which models, and within which limits. */
import { MAX_CLIENTS, MAX_MODEL_NAME_CHARS } from '../limits.ts';
import type { RawClient, RawConfig } from './schema.ts';
import { isSendable, readSecret } from './secret-files.ts';
import type { ClientConfig } from './types.ts';
import type { Reading } from './validate.ts';

/** The clients in the order of the file. `authTokens` are those that anyone may present: no client
 *  can have one of them, or nobody could say who asked. */
export function resolveClients(
  raw: RawConfig['server'],
  authTokens: readonly string[],
  x: Reading,
): readonly ClientConfig[] {
  const { clients } = raw;
  if (clients.length === 0) return [];
  if (x.places.given(raw, 'api_key_required') && !raw.api_key_required) {
    const at = x.places.of(raw, 'api_key_required');
    x.faults.error(at, 'is false, but server.clients have tokens: leave it out, or say true');
  }
  if (clients.length > MAX_CLIENTS) {
    x.faults.error(x.places.of(raw, 'clients'), `lists more than ${MAX_CLIENTS} clients`);
  }
  checkNames(clients, x);
  const resolved = clients.map((client) => resolveClient(client, x));
  checkTokens(clients, resolved, authTokens, x);
  return resolved;
}

function resolveClient(raw: RawClient, x: Reading): ClientConfig {
  return {
    name: raw.name ?? '',
    token: tokenOf(raw, x),
    requestsPerMinute: raw.requests_per_minute,
    tokensPerMinute: raw.tokens_per_minute,
    tokensPerDay: raw.tokens_per_day,
    maxConcurrent: raw.max_concurrent,
    models: modelsOf(raw, x),
  };
}

/** Names appear in metric labels and in texts. */
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

function checkNames(clients: readonly RawClient[], x: Reading): void {
  const lines = new Map<string, number>();
  for (const client of clients) {
    const { name } = client;
    const at = x.places.of(client, 'name');
    if (name === undefined) {
      if (!x.places.given(client, 'name')) x.faults.error(at, 'every client needs a name');
      continue;
    }
    if (!NAME.test(name)) {
      x.faults.error(at, 'wants up to 64 letters, digits, "-", "_" and "."');
    }
    const first = lines.get(name.toLowerCase());
    if (first === undefined) lines.set(name.toLowerCase(), at.line);
    else x.faults.error(at, `"${name}" is taken by the client in line ${first}`);
  }
}

/** Empty where there is a fault. */
function tokenOf(raw: RawClient, x: Reading): string {
  const hasToken = x.places.given(raw, 'token');
  const hasFile = x.places.given(raw, 'token_file');
  if (hasToken === hasFile) {
    const many = hasToken ? 'has both token and token_file: one is enough' : 'has no token';
    x.faults.error(x.places.of(raw), many);
    return '';
  }
  if (hasFile) {
    if (raw.token_file === undefined) return '';
    return readSecret(raw.token_file, x.places.of(raw, 'token_file'), x);
  }
  if (raw.token === undefined) return '';
  const at = x.places.of(raw, 'token');
  const token = raw.token.trim();
  if (token === '') x.faults.error(at, 'is empty');
  if (!isSendable(token)) x.faults.error(at, 'holds characters that cannot stand in a header');
  return token;
}

function checkTokens(
  raws: readonly RawClient[],
  clients: readonly ClientConfig[],
  authTokens: readonly string[],
  x: Reading,
): void {
  const owners = new Map(authTokens.map((token) => [token, 'server.auth_tokens']));
  for (const [index, { token, name }] of clients.entries()) {
    if (token === '') continue;
    const owner = owners.get(token);
    owners.set(token, owner ?? `client "${name}"`);
    if (owner === undefined) continue;
    const raw = raws[index] as RawClient;
    const key = x.places.given(raw, 'token') ? 'token' : 'token_file';
    x.faults.error(x.places.of(raw, key), `the same token is already one of ${owner}`);
  }
}

function modelsOf(raw: RawClient, x: Reading): readonly string[] {
  return raw.models.map((model, index) => {
    const pattern = model.trim().toLowerCase();
    if (pattern === '' || pattern.length > MAX_MODEL_NAME_CHARS) {
      x.faults.error(x.places.of(raw.models, index), 'an id or a glob is 1 to 256 characters');
    }
    return pattern;
  });
}
