/**
 * What would the model say? Read from the conversation alone, so that the same request always gets
 * the same answer and no state is kept between the turns of an agent loop.
 *
 * A user message can hold a script, one direction a line (anywhere in the message):
 *
 *   demo: write PATH TEXT      calls Write (\n, \t and \\ in TEXT are read as escapes)
 *   demo: bash COMMAND         calls Bash; `run: COMMAND` is the same
 *   demo: read PATH            calls Read
 *   demo: tool NAME JSON       calls any offered tool
 *   demo: say TEXT             the text of the last answer
 *   demo: think TEXT           the reasoning before it
 *   demo: tokens N             makes the last answer N tokens long
 *
 * Also plain words: "create a file notes.txt" writes it, shows it with cat and reads it.
 * A script runs in three steps: all writes in one answer, then everything else in parallel, then a
 * text that tells what the tools gave back. A step is over when its calls are answered by tool
 * messages; a new message of the user ends the script. Relative paths start at the working
 * directory that the client's prompt names. Without a script: a short text that says who is
 * speaking. Directions inside <system-reminder> do not count: clients put files there that nobody
 * asked to run.
 */
import type { ChatRequest, SeenMessage } from './request.ts';
import { sample } from './sample.ts';

export interface ScriptedCall {
  readonly name: string;
  /** JSON of an object. */
  readonly args: string;
}

export interface Said {
  readonly reasoning: string;
  readonly text: string;
  readonly calls: readonly ScriptedCall[];
  /** Wanted length of reasoning and text in tokens; 0 leaves it as it is. */
  readonly tokens: number;
}

interface Step {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

interface Script {
  readonly writes: readonly Step[];
  readonly checks: readonly Step[];
  readonly say: string | undefined;
  readonly think: string | undefined;
  readonly tokens: number;
}

interface Turn {
  readonly script: Script | undefined;
  /** Tool results since the script's message, in the order they came. */
  readonly results: readonly { readonly name: string; readonly text: string }[];
  /** Answers of the model since then. */
  readonly answers: number;
  readonly prompt: string;
}

const DIRECTION = /^[ \t]*(?:demo:[ \t]*(\w+)|(run):)[ \t]*(.*)$/gm;
const PLAIN_WORDS =
  /\b(?:create|write|make)\b[^\n]{0,80}?\bfile\b[^\n]{0,80}?([\w./-]+\.\w{1,8})\b/i;
const REMINDER = /<system-reminder>[\s\S]*?<\/system-reminder>/g;
const WORKING_DIRECTORY = /working directory:\s*`?(\/[^\s`]*)/i;

/** Answers beyond the script's own steps after which it is given up: the results never arrive. */
const SPARE_ANSWERS = 4;
const QUOTED_CHARS = 200;
/** A longer prompt is a client's own instruction, not a person who asks for a file. */
const PLAIN_PROMPT_CHARS = 400;
const HALF_CHARACTER = /[\ud800-\udbff]$/;

/** Decides the answer to a conversation. `outputTokens` is the general length, 0 for none. */
export function decide(chat: ChatRequest, speaker: string, outputTokens: number): Said {
  const turn = readTurn(chat.messages);
  const { script } = turn;
  const tokens = script?.tokens || outputTokens;
  if (chat.jsonSchema !== undefined) {
    const text = JSON.stringify(sample(chat.jsonSchema));
    return { reasoning: 'Only JSON is wanted.', text, calls: [], tokens: 0 };
  }
  if (script !== undefined) return follow(script, turn, chat, tokens);
  if (chat.forcedTool !== undefined && turn.results.length === 0) return forced(chat);
  return {
    reasoning: 'There is no script in the message, so I say who I am and repeat a piece of it.',
    text: `${speaker} You said: "${excerpt(turn.prompt)}"`,
    calls: [],
    tokens,
  };
}

function follow(script: Script, turn: Turn, chat: ChatRequest, tokens: number): Said {
  const { writes, checks } = script;
  const steps = writes.length + checks.length;
  const answered = turn.results.length;
  const missing = [...writes, ...checks].find((step) => offered(chat, step.tool) === undefined);
  if (missing !== undefined)
    return told(script, `The tool ${missing.tool} is not offered.`, tokens);
  if (answered < steps && turn.answers > steps + SPARE_ANSWERS) {
    return told(script, `Gave up: ${answered} of ${steps} tool results came back.`, tokens);
  }
  if (answered < writes.length) {
    return calling('I write first.', 'Writing.', writes.slice(answered), chat);
  }
  if (answered < steps) {
    return calling('Now the rest, at once.', '', checks.slice(answered - writes.length), chat);
  }
  return told(script, report(turn, steps), tokens);
}

function told(script: Script, text: string, tokens: number): Said {
  const reasoning = script.think ?? 'The script is over; I report.';
  return { reasoning, text: script.say ?? text, calls: [], tokens };
}

function calling(reasoning: string, text: string, steps: readonly Step[], chat: ChatRequest): Said {
  const directory = workingDirectory(chat.messages);
  const calls = steps.map(({ tool, args }) => ({
    name: offered(chat, tool) ?? tool,
    args: JSON.stringify(absolute(args, directory)),
  }));
  return { reasoning, text, calls, tokens: 0 };
}

function forced(chat: ChatRequest): Said {
  const wanted = chat.forcedTool === 'required' ? chat.tools[0]?.name : chat.forcedTool;
  const tool = chat.tools.find((one) => one.name === wanted);
  const args = JSON.stringify(tool === undefined ? {} : sample(tool.parameters));
  const calls = wanted === undefined ? [] : [{ name: wanted, args }];
  return { reasoning: 'A tool call is required.', text: '', calls, tokens: 0 };
}

function report(turn: Turn, steps: number): string {
  if (steps === 0) return `The simulator has nothing to do. You said: "${excerpt(turn.prompt)}"`;
  const lines = turn.results.map(({ name, text }) => `- ${name}: ${excerpt(text)}`);
  return [`Simulator: ${steps} tool results came back.`, ...lines].join('\n');
}

/** Everything since the user's last message, if that holds a script and its turn still runs. */
function readTurn(messages: readonly SeenMessage[]): Turn {
  let at = messages.length - 1;
  let script: Script | undefined;
  for (; at >= 0 && script === undefined; at--) {
    const message = messages[at];
    if (message?.role === 'assistant' && message.calls.length === 0) break;
    if (message?.role !== 'user' || plain(message.text) === '') continue;
    script = readScript(message.text);
    if (script === undefined) break;
  }
  const since = messages.slice(at + 1);
  const names = new Map(since.flatMap(({ calls }) => calls.map(({ id, name }) => [id, name])));
  const results = since.flatMap(({ role, callId, text }) => {
    const name = role === 'tool' && callId !== undefined ? names.get(callId) : undefined;
    return name === undefined ? [] : [{ name, text }];
  });
  const prompt = messages.findLast(({ role, text }) => role === 'user' && plain(text) !== '');
  const answers = since.filter(({ role }) => role === 'assistant').length;
  return { script, results, answers, prompt: plain(prompt?.text ?? '') };
}

const plain = (text: string): string => text.replace(REMINDER, '').trim();

function readScript(message: string): Script | undefined {
  const prompt = plain(message);
  const writes: Step[] = [];
  const checks: Step[] = [];
  const words = new Map<string, string>();
  for (const [, verb, run, rest = ''] of prompt.matchAll(DIRECTION)) {
    const name = run === undefined ? (verb ?? '') : 'bash';
    if (name === 'write') writes.push(writeStep(rest));
    else if (name === 'bash') checks.push(bashStep(rest));
    else if (name === 'read') checks.push({ tool: 'Read', args: { file_path: rest.trim() } });
    else if (name === 'tool') checks.push(toolStep(rest));
    else words.set(name, rest);
  }
  const file = prompt.length > PLAIN_PROMPT_CHARS ? undefined : PLAIN_WORDS.exec(prompt)?.[1];
  if (writes.length + checks.length + words.size === 0 && file !== undefined) {
    writes.push(writeStep(`${file} Written by the simulator of Cooldown Proxy.\\n`));
    checks.push(bashStep(`cat ${file}`), { tool: 'Read', args: { file_path: file } });
  }
  if (writes.length + checks.length + words.size === 0) return undefined;
  const tokens = Math.max(0, Math.floor(Number(words.get('tokens') ?? 0))) || 0;
  return { writes, checks, say: words.get('say'), think: words.get('think'), tokens };
}

function writeStep(rest: string): Step {
  const [, path = '', content = ''] = /^(\S+)[ \t]?(.*)$/.exec(rest) ?? [];
  return { tool: 'Write', args: { file_path: path, content: readEscapes(content) } };
}

const bashStep = (command: string): Step => ({
  tool: 'Bash',
  args: { command, description: 'A command of the script' },
});

function toolStep(rest: string): Step {
  const [, tool = '', json = ''] = /^(\S+)[ \t]*(.*)$/.exec(rest) ?? [];
  try {
    const args: unknown = JSON.parse(json || '{}');
    return { tool, args: { ...(args as Record<string, unknown>) } };
  } catch {
    return { tool, args: { text: json } };
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };
const readEscapes = (text: string): string =>
  text.replace(/\\([nt\\])/g, (_, one: string) => ESCAPES[one] ?? one);

function offered(chat: ChatRequest, tool: string): string | undefined {
  const wanted = tool.toLowerCase();
  return chat.tools.find(({ name }) => name.toLowerCase() === wanted)?.name;
}

function workingDirectory(messages: readonly SeenMessage[]): string | undefined {
  for (const { role, text } of messages) {
    const found = role === 'assistant' ? null : WORKING_DIRECTORY.exec(text);
    if (found?.[1] !== undefined) return found[1].replace(/\/$/, '');
  }
  return undefined;
}

function absolute(args: Step['args'], directory: string | undefined): Step['args'] {
  const path = args.file_path;
  if (directory === undefined || typeof path !== 'string' || path.startsWith('/')) return args;
  return { ...args, file_path: `${directory}/${path.replace(/^\.\//, '')}` };
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= QUOTED_CHARS) return line;
  return `${line.slice(0, QUOTED_CHARS).replace(HALF_CHARACTER, '')}…`;
}
