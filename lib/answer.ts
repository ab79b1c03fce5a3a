/** How a route that is answered here gives its JSON, errors included. */
import {
  asGatewayError,
  type Dialect,
  errorBody,
  errorHeaders,
  requestIdHeaders,
  statusOf,
} from './errors.ts';
import { newUniqueId } from './exchange.ts';
import type { LocalCall } from './routes/types.ts';

/** Answers 200 with what `make` gives, or with the error that it throws. Never rejects. */
export async function answerJson(
  call: LocalCall,
  dialect: Dialect,
  make: () => unknown,
): Promise<void> {
  const requestId = `req_${newUniqueId()}`;
  try {
    const body = JSON.stringify(await make());
    send(call, 200, body, requestIdHeaders(requestId, dialect));
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (error.code === 'INTERNAL')
      call.gateway.log.error('request failed inside', {
        request_id: requestId,
        error: String((error.cause as Error | undefined)?.stack ?? error.cause),
      });
    const headers = { ...requestIdHeaders(requestId, dialect), ...errorHeaders(error) };
    send(call, statusOf(error.code, dialect), errorBody(error, dialect, requestId), headers);
  }
}

/** One whole answer; a HEAD gets the headers alone. */
export function send(
  { request, response }: LocalCall,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
