/** A client that shows everything of an answer: status, headers, text, and whether it came
 *  whole. */
import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { until } from './upstream.ts';

export interface Answered {
  /** 0 when the connection died before an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Whether the body came to its proper end. */
  readonly complete: boolean;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
  /** JSON unless it is a string or bytes. */
  readonly body?: unknown;
}

/** An answer on its way. */
export interface Live {
  readonly request: ClientRequest;
  /** Undefined until the headers are here. */
  readonly response: IncomingMessage | undefined;
  readonly text: string;
  /** Reads to the end, or to the cut. */
  readonly done: Promise<Answered>;
  /** Waits until `part` has come. */
  has(part: string): Promise<void>;
  hangUp(): void;
}

/** Sends a request (POST when it has a body) on a connection of its own, and reads all of its
 *  answer. */
export function ask(url: string, asking: Asking = {}): Promise<Answered> {
  return open(url, asking).done;
}

/** The same, without waiting for it. */
export function open(url: string, asking: Asking = {}): Live {
  const { body } = asking;
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const [, host = '', port = '', path = '/'] = /^http:\/\/(.+?):(\d+)(.*)$/.exec(url) ?? [];
  const sent = request({
    host,
    port,
    path, // as it is written: `new URL` would tidy it up
    method: asking.method ?? (body === undefined ? 'GET' : 'POST'),
    agent: asking.agent ?? false,
    headers: asking.headers ?? {},
  });
  const live = read(sent);
  sent.end(bytes);
  return live;
}

/** Reads what comes for a request that the test itself writes. */
export function read(sent: ClientRequest): Live {
  let response: IncomingMessage | undefined;
  let text = '';
  const done = new Promise<Answered>((resolve) => {
    const settle = () => {
      const { statusCode = 0, headers = {}, complete = false } = response ?? {};
      resolve({ status: statusCode, headers, text, complete });
    };
    sent.on('error', settle);
    sent.on('close', settle);
    sent.on('response', (came) => {
      response = came;
      came.setEncoding('utf8');
      came.on('data', (piece: string) => {
        text += piece;
      });
      came.on('error', () => {});
      came.on('close', settle);
    });
  });
  return {
    request: sent,
    done,
    get response() {
      return response;
    },
    get text() {
      return text;
    },
    has: (part) => until(() => text.includes(part)),
    hangUp: () => sent.destroy(),
  };
}

/** `{type, message}` of an error body in either dialect. */
export interface ToldError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | null;
  readonly param?: string | null;
}

export function errorOf({ text }: Pick<Answered, 'text'>): ToldError {
  return (JSON.parse(text) as { error: ToldError }).error;
}

/** Parsed SSE events: name ('' where there is none) and data. */
export function eventsOf(text: string): { readonly name: string; readonly data: string }[] {
  return text
    .split('\n\n')
    .filter((frame) => frame !== '' && !frame.startsWith(':'))
    .map((frame) => ({
      name: /^event: (.*)$/m.exec(frame)?.[1] ?? '',
      data: /^data: (.*)$/m.exec(frame)?.[1] ?? '',
    }));
}

/** A Messages request of one user message. */
export function message(content: string, more: Readonly<Record<string, unknown>> = {}): object {
  return { model: 'glm-4.6', max_tokens: 100, messages: [{ role: 'user', content }], ...more };
}

/** A chat completion of one user message. */
export function chat(content: string, more: Readonly<Record<string, unknown>> = {}): object {
  return { model: 'glm-4.6', messages: [{ role: 'user', content }], ...more };
}
