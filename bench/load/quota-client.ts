/**
 * How does one client fare? It sends a turn, reads the whole answer and checks every part of it.
 *
 * Two kinds: `askProxy` sends once, as Claude Code does, and counts whatever is not a right answer.
 * `askNaively` is what people write themselves: no limits kept, the next key on a 429, a pause when
 * all keys have refused, as often as Claude Code tries.
 */
import { setMaxListeners } from 'node:events';
import { Agent, request as send } from 'node:http';
import { anthropicBody, openaiBody, type PlannedRequest } from './quota-plan.ts';

export interface Outcome {
  readonly doneMs: number;
  /** Empty: a right answer. `cut`: we hung up at the end of the run. */
  readonly fault: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const NAIVE_RETRIES = 10;
const NAIVE_FIRST_PAUSE_MS = 500;
const NAIVE_MAX_PAUSE_MS = 32_000;
const CUT = 'cut';

/** All clients of a run; each has its connections to itself. */
export class QuotaClients {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #stop = new AbortController();
  #turn = 0;

  constructor() {
    setMaxListeners(0, this.#stop.signal); // one for each request on its way
  }

  /** Everybody who still waits hangs up. */
  hangUp(): void {
    this.#stop.abort();
    this.#agent.destroy();
  }

  async askProxy(url: string, planned: PlannedRequest): Promise<Outcome> {
    const headers = {
      authorization: 'Bearer bench',
      'anthropic-version': '2023-06-01',
      'x-claude-code-session-id': `session-${planned.session}`,
    };
    try {
      const body = anthropicBody(planned);
      const answer = await this.#post(`${url}/anthropic/v1/messages`, headers, body);
      return this.#over(faultOf(answer, planned, planned.stream ? messageOfStream : messageOf));
    } catch (thrown) {
      return this.#over(String(thrown));
    }
  }

  async askNaively(
    url: string,
    secrets: readonly string[],
    planned: PlannedRequest,
    random: () => number,
  ): Promise<Outcome> {
    const body = openaiBody(planned);
    try {
      for (let pause = 0; ; pause++) {
        for (let key = 0; key < secrets.length; key++) {
          const secret = secrets[this.#turn++ % secrets.length];
          const headers = { authorization: `Bearer ${secret}` };
          const answer = await this.#post(`${url}/chat/completions`, headers, body);
          if (answer.status === 429) continue;
          return this.#over(faultOf(answer, planned, planned.stream ? chatOfStream : chatOf));
        }
        if (pause >= NAIVE_RETRIES) return this.#over('status 429');
        const pauseMs = Math.min(NAIVE_MAX_PAUSE_MS, NAIVE_FIRST_PAUSE_MS * 2 ** pause);
        await this.#sleep(pauseMs * (0.75 + random() / 2));
      }
    } catch (thrown) {
      return this.#over(String(thrown));
    }
  }

  #over(fault: string): Outcome {
    const told = fault !== '' && this.#stop.signal.aborted ? CUT : fault;
    return { doneMs: performance.now(), fault: told };
  }

  #post(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      const type = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const options = { agent: this.#agent, method: 'POST', headers: { ...headers, ...type } };
      const sent = send(url, { ...options, signal }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => {
          text += piece;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      const hungUp = () => {
        clearTimeout(timer);
        reject(new Error(CUT));
      };
      if (signal.aborted) throw new Error(CUT);
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', hungUp);
        resolve();
      }, ms);
      signal.addEventListener('abort', hungUp, { once: true });
    });
  }
}

/** What an answer said: its text, its count of output tokens, and whether it came to its end. */
interface Told {
  readonly said: string;
  readonly outputTokens: number;
  readonly ended: boolean;
}

function faultOf(answer: Answer, planned: PlannedRequest, read: (text: string) => Told): string {
  const { status, text } = answer;
  if (status !== 200) return `status ${status}: ${text.slice(0, 200)}`;
  const { said, outputTokens, ended } = read(text);
  if (!ended) return `no end: ${text.slice(-200)}`;
  const marked = said.startsWith(planned.marker) && !/^\d/.test(said.slice(planned.marker.length));
  if (!marked) return `somebody else's answer: ${said.slice(0, 40)}`;
  return outputTokens === planned.outputTokens ? '' : `${outputTokens} tokens of output`;
}

interface Message {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly stop_reason: string | null;
  readonly usage: { readonly output_tokens: number };
}

export function messageOf(text: string): Told {
  const { content, stop_reason, usage } = JSON.parse(text) as Message;
  const said = content.map(({ text: part = '' }) => part).join('');
  return { said, outputTokens: usage.output_tokens, ended: stop_reason === 'end_turn' };
}

interface MessageEvent {
  readonly type: string;
  readonly delta?: { readonly type?: string; readonly text?: string; stop_reason?: string };
  readonly usage?: { readonly output_tokens: number };
}

export function messageOfStream(text: string): Told {
  let [said, outputTokens, ended] = ['', 0, false];
  for (const event of eventsOf(text) as MessageEvent[]) {
    if (event.type === 'error') return { said, outputTokens, ended: false };
    if (event.delta?.type === 'text_delta') said += event.delta.text ?? '';
    if (event.type === 'message_delta') outputTokens = event.usage?.output_tokens ?? 0;
    ended = event.type === 'message_stop';
  }
  return { said, outputTokens, ended };
}

interface Chat {
  readonly choices: readonly {
    readonly message?: { readonly content?: string | null };
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number };
}

export function chatOf(text: string): Told {
  const { choices, usage } = JSON.parse(text) as Chat;
  const said = choices[0]?.message?.content ?? '';
  const ended = choices[0]?.finish_reason === 'stop';
  return { said, outputTokens: usage?.completion_tokens ?? 0, ended };
}

export function chatOfStream(text: string): Told {
  let [said, outputTokens, ended] = ['', 0, false];
  for (const { choices, usage } of eventsOf(text) as Chat[]) {
    said += choices?.[0]?.delta?.content ?? '';
    if (choices?.[0]?.finish_reason === 'stop') ended = true;
    outputTokens = usage?.completion_tokens ?? outputTokens;
  }
  return { said, outputTokens, ended };
}

function eventsOf(text: string): unknown[] {
  const data = text.split('\n').filter((line) => line.startsWith('data: {'));
  return data.map((line) => JSON.parse(line.slice('data: '.length)) as unknown);
}
