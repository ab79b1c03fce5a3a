/** What a route is: something answered here, or an endpoint that is proxied. */
import type { LocalCall } from '../answer.ts';
import type { Endpoint } from '../exchange.ts';

export type Route =
  | { readonly kind: 'local'; answer(call: LocalCall): void | Promise<void> }
  | { readonly kind: 'proxied'; readonly endpoint: Endpoint };
