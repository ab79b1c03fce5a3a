/**
 * Runs rows of tests for every transport, with servers of their own. After each row nothing may be
 * left that would keep a process alive.
 */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Transport } from '../../lib/transports/types.ts';
import { listening, rawServer, type TestServer } from './raw-server.ts';
import { TRANSPORTS } from './upstream.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Row {
  readonly name: string;
  readonly run: (transport: Transport, use: Use) => Promise<void>;
}

/** Servers of one test; they are closed after it. */
export interface Use {
  raw(onSocket: (socket: Socket, nth: number) => void): Promise<TestServer>;
  http(handler: Handler): Promise<TestServer>;
}

/** Makes one `describe` per transport, with a test per row. */
export function runRows(rows: readonly Row[]): void {
  for (const { name, make } of TRANSPORTS) {
    describe(name, { timeout: 60_000 }, () => {
      for (const row of rows) test(row.name, () => runRow(row, make()));
    });
  }
}

async function runRow(row: Row, transport: Transport): Promise<void> {
  const timersBefore = timers();
  const servers: TestServer[] = [];
  const keep = async (starting: Promise<TestServer>) => {
    const server = await starting;
    servers.push(server);
    return server;
  };
  try {
    await row.run(transport, {
      raw: (onSocket) => keep(rawServer(onSocket)),
      http: (handler) => keep(listening(createServer(handler))),
    });
  } finally {
    transport.close();
    for (const server of servers) await server.close();
  }
  assert.equal(timers(), timersBefore);
}

/** Running timers that keep the process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
