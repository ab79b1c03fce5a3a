/** From the command line to a command. The only place that knows argv; exits through a code. */
import { run } from './commands/run.ts';
import type { Options } from './commands/types.ts';
import { NOTHING_FOUND } from './config/load.ts';
import { VERSION } from './version.ts';

const HELP = `cooldown-proxy ${VERSION}: one local endpoint, many keys, never a 429

usage: cooldown-proxy [run|demo|check] [options]

  run      start the proxy (the default)
  demo     start it on the embedded provider simulator: no key, no network
  check    validate the configuration and print what it resolves to

options:
  -config FILE, -c FILE   the configuration file. Without it: $COOLDOWN_CONFIG, ./config.yaml,
                          $XDG_CONFIG_HOME/cooldown-proxy/config.yaml,
                          /etc/cooldown-proxy/config.yaml, then the keys in CEREBRAS_API_KEY,
                          ZHIPU_API_KEY, ZAI_API_KEY (or _1, _2, …)
  -port N, -bind ADDR     override the file
  -h, --help; --version
`;

type Parsed =
  | { readonly command: 'run' | 'demo' | 'check'; readonly options: Options }
  | { readonly print: string }
  | { readonly usageError: string };

/** Runs a command line (without node and script). Resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv);
  if ('print' in parsed) {
    process.stdout.write(parsed.print);
    return 0;
  }
  if ('usageError' in parsed) {
    process.stderr.write(`cooldown-proxy: ${parsed.usageError}\nTry: cooldown-proxy --help\n`);
    return 2;
  }
  const { command, options } = parsed;
  switch (command) {
    case 'run':
      return await run(options, options.orDemo ? () => runDemo(options) : sayNothingFound);
    case 'demo':
      return await runDemo(options);
    case 'check': {
      const { check } = await import('./commands/check.ts');
      return check(
        options,
        process.env,
        process.cwd(),
        (text) => process.stdout.write(text),
        (text) => process.stderr.write(text),
      );
    }
    default: {
      const never: never = command;
      return never;
    }
  }
}

/** The simulator is loaded only where it is used: a proxy at work has no need of it. */
async function runDemo(options: Options): Promise<number> {
  const { demo } = await import('./commands/demo.ts');
  return await demo(options);
}

function sayNothingFound(): Promise<number> {
  process.stderr.write(NOTHING_FOUND);
  return Promise.resolve(2);
}

/** Flags take one dash or two, and a value behind a space or `=`. */
export function parseArguments(argv: readonly string[]): Parsed {
  let command: 'run' | 'demo' | 'check' | undefined;
  const given: { config?: string; port?: number; bind?: string; orDemo?: boolean } = {};
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string;
    if (!word.startsWith('-')) {
      if (command !== undefined) return { usageError: `one command is enough: "${word}"` };
      if (word !== 'run' && word !== 'demo' && word !== 'check') {
        return { usageError: `there is no command "${word}"` };
      }
      command = word;
      continue;
    }
    const [flag = '', inline] = splitFlag(word);
    if (flag === 'h' || flag === 'help') return { print: HELP };
    if (flag === 'v' || flag === 'version') return { print: `${VERSION}\n` };
    if (flag === 'or-demo') {
      given.orDemo = true;
      continue;
    }
    const value = inline ?? argv[++at];
    const fault = takeValue(given, flag, value, word);
    if (fault !== null) return { usageError: fault };
  }
  const { config, port, bind, orDemo = false } = given;
  return { command: command ?? 'run', options: { config, port, bind, orDemo } };
}

function splitFlag(word: string): [string, string | undefined] {
  const name = word.replace(/^--?/, '');
  const equals = name.indexOf('=');
  return equals < 0 ? [name, undefined] : [name.slice(0, equals), name.slice(equals + 1)];
}

function takeValue(
  given: { config?: string; port?: number; bind?: string },
  flag: string,
  value: string | undefined,
  word: string,
): string | null {
  const known = ['config', 'c', 'port', 'p', 'bind', 'b'].includes(flag);
  if (!known) return `there is no option "${word}"`;
  if (value === undefined || value === '') return `${word} needs a value`;
  if (flag === 'config' || flag === 'c') given.config = value;
  else if (flag === 'bind' || flag === 'b') given.bind = value;
  else {
    const port = Number(value);
    if (!/^\d+$/.test(value) || port > 65_535) return `${word} needs a port number, got "${value}"`;
    given.port = port;
  }
  return null;
}
