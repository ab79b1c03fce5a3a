/**
 * SIMULATOR. A provider in a box: an OpenAI-compatible endpoint on 127.0.0.1 that limits, refuses,
 * streams and breaks like Cerebras or Zhipu, without a network or a model.
 *
 *   GET  …/models   POST …/chat/completions   POST …/embeddings      any prefix before them
 *   GET  /__log   GET /__stats   POST /__reset   POST /__faults (body: a spec, see faults.ts)
 *
 * What it answers is decided by a script in the user's message (script.ts).
 * Must stay true: it listens on loopback only; nothing it keeps grows without a bound; a credential
 * is in no log entry.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEEP_ALIVE_MS, MAX_MODEL_NAME_CHARS } from '../limits.ts';
import { sendRefusal, sendText } from './deliver.ts';
import { SIMULATOR_BODY_BYTES } from './limits.ts';
import { type Call, estimateTokens, Provider } from './provider.ts';
import { notFound, tooLarge, unknownKey } from './refusals.ts';
import { fields, text } from './request.ts';
import type { OpenEntry } from './request-log.ts';
import { type Identity, settle } from './settings.ts';
import type { Simulator, SimulatorOptions, SimulatorStats } from './types.ts';

const LOOPBACK = '127.0.0.1';
const CREDENTIALS = ['authorization', 'x-api-key', 'api-key', 'cookie'];
const BACKLOG = 1_024;

/** Starts a simulator. Rejects when the port is taken, with a RangeError on a bad fault spec or an
 *  impossible `fixed.bytes`. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const provider = new Provider(settle(options));
  provider.faults.add(options.faults ?? '');
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    receive(provider, request, response).catch(() => response.destroy());
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${port}/v1`,
    port,
    log: () => provider.log.entries(),
    fault: (spec) => provider.faults.add(spec),
    stats: () => statsOf(provider),
    arrivals: (owner, model) => provider.limiter.arrivals(owner, model),
    reset: () => provider.reset(),
    close: () => close(server, provider),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: LOOPBACK, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server, provider: Provider): Promise<void> {
  provider.pacer.close();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function statsOf(provider: Provider): SimulatorStats {
  const accounts = provider.limiter.stats();
  return { ...provider.log.stats(), faultsLeft: provider.faults.size, accounts };
}

async function receive(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url = '/', method = 'GET' } = request;
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const arrivedMs = provider.settings.clock();
  const raw = await readBody(request, provider, response);
  if (raw === undefined) return;
  if (path.includes('/__')) {
    const [status, value] = control(provider, method, path, raw);
    sendText(response, status, 'application/json', JSON.stringify(value));
    return;
  }
  const identity = provider.settings.identify(request.headers.authorization);
  const entry = openEntry(provider, request, path, arrivedMs, raw, identity);
  if (fast(provider, path, raw, entry, response)) return;
  response.once('close', () => provider.log.close(entry, outcomeOf(entry, response)));
  await route(provider, { path, method, raw, entry, identity, response });
}

interface Arrived {
  readonly path: string;
  readonly method: string;
  readonly raw: Buffer;
  readonly entry: OpenEntry;
  readonly identity: Identity | undefined;
  readonly response: ServerResponse;
}

async function route(provider: Provider, arrived: Arrived): Promise<void> {
  const { path, method, raw, entry, identity, response } = arrived;
  const { dialect, keepBodies } = provider.settings;
  const kind = kindOf(method, path);
  if (kind === undefined) {
    const refusal = identity === undefined ? unknownKey(dialect) : notFound(dialect, method, path);
    const listing = identity !== undefined && method === 'GET' && path.endsWith('/models');
    entry.status = listing ? 200 : refusal.status;
    if (listing) sendText(response, 200, 'application/json', modelList(provider));
    else sendRefusal(response, refusal);
    return;
  }
  const body = parse(raw);
  entry.model = text(fields(body).model).slice(0, MAX_MODEL_NAME_CHARS);
  entry.stream = fields(body).stream === true;
  entry.promptTokens = estimateTokens(raw.length);
  if (keepBodies) entry.body = body;
  await provider.serve({ kind, response, entry, raw, body, identity });
}

function kindOf(method: string, path: string): Call['kind'] | undefined {
  if (method !== 'POST') return undefined;
  if (path.endsWith('/chat/completions')) return 'chat';
  return path.endsWith('/embeddings') ? 'embeddings' : undefined;
}

function openEntry(
  provider: Provider,
  request: IncomingMessage,
  path: string,
  atMs: number,
  raw: Buffer,
  identity: Identity | undefined,
): OpenEntry {
  return provider.log.open({
    atMs,
    method: request.method ?? '',
    path,
    key: identity?.label ?? 'unknown',
    org: identity?.org ?? 'unknown',
    model: '',
    stream: false,
    requestBytes: raw.length,
    status: 0,
    fault: undefined,
    outcome: 'open',
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    headers: provider.settings.keepBodies ? plainHeaders(request) : undefined,
    body: undefined,
  });
}

function plainHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(request.headers)) {
    headers[name] = CREDENTIALS.includes(name) ? '(cut out)' : String(value);
  }
  return headers;
}

function outcomeOf(entry: OpenEntry, response: ServerResponse): OpenEntry['outcome'] {
  if (entry.fault !== undefined && entry.fault !== 'ok') return 'fault';
  if (!response.writableFinished) return 'gone';
  return entry.status >= 400 ? 'refused' : 'done';
}

const STREAM_MARKS = [Buffer.from('"stream":true'), Buffer.from('"stream": true')];

/** Constant answers without limits, faults or pace: nothing is parsed. Chat completions only. */
function fast(
  provider: Provider,
  path: string,
  raw: Buffer,
  entry: OpenEntry,
  response: ServerResponse,
): boolean {
  const { fixed, faults, settings } = provider;
  const timed = settings.limited || settings.tokensPerSecond > 0 || settings.firstTokenMs > 0;
  if (fixed === undefined || timed || faults.size > 0 || settings.keepBodies) return false;
  if (entry.key === 'unknown' || !path.endsWith('/chat/completions')) return false;
  entry.stream = STREAM_MARKS.some((mark) => raw.includes(mark));
  entry.status = 200;
  provider.log.close(entry, 'done');
  const type = entry.stream ? 'text/event-stream; charset=utf-8' : 'application/json';
  if (!entry.stream) {
    sendText(response, 200, type, fixed.json);
    return true;
  }
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
  response.end(fixed.stream);
  return true;
}

/** Status and JSON body of a control route. */
function control(provider: Provider, method: string, path: string, raw: Buffer): [number, unknown] {
  switch (`${method} ${path.slice(path.lastIndexOf('/'))}`) {
    case 'GET /__log':
      return [200, provider.log.entries()];
    case 'GET /__stats':
      return [200, statsOf(provider)];
    case 'POST /__reset':
      provider.reset();
      return [200, {}];
    case 'POST /__faults':
      try {
        provider.faults.add(raw.toString());
      } catch (thrown) {
        return [400, { message: thrown instanceof Error ? thrown.message : String(thrown) }];
      }
      return [200, { faultsLeft: provider.faults.size }];
    default:
      return [404, { message: `No control route ${method} ${path}` }];
  }
}

function modelList({ settings }: Provider): string {
  const data = [...settings.models.keys()].map((id) => ({
    id,
    object: 'model',
    created: 0,
    owned_by: settings.dialect,
  }));
  return JSON.stringify({ object: 'list', data });
}

function parse(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** The whole body, or undefined where the client left or was told that it is too large. */
function readBody(
  request: IncomingMessage,
  provider: Provider,
  response: ServerResponse,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= SIMULATOR_BODY_BYTES) chunks.push(chunk);
      else if (!response.headersSent) {
        chunks.length = 0;
        sendRefusal(response, tooLarge(provider.settings.dialect), { connection: 'close' });
        resolve(undefined);
      }
    });
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.once('error', () => resolve(undefined));
    request.once('close', () => resolve(undefined));
  });
}
