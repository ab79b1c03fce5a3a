/** What a route is: something answered here, or an endpoint that is proxied. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';

export interface LocalCall {
  readonly gateway: Gateway;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path behind a `/*` route's prefix. */
  readonly rest: string;
  readonly draining: boolean;
}

export type Route =
  | { readonly kind: 'local'; answer(call: LocalCall): void | Promise<void> }
  | { readonly kind: 'proxied'; readonly endpoint: Endpoint };
