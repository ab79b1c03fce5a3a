/** A single value against its schema node: the right type, within its bounds, or what is wrong. */
import {
  ABOVE_ZERO,
  type BooleanNode,
  type NumberNode,
  type QuantityNode,
  type StringNode,
  type WordNode,
} from './nodes.ts';
import { didYouMean } from './suggest.ts';
import type { ScalarValue } from './trees.ts';
import { formatDuration, parseDurationMs, parseSizeBytes } from './units.ts';

export type ScalarNode = NumberNode | QuantityNode | WordNode | StringNode | BooleanNode;

/** `value` is undefined when there is a fault. */
export interface Result {
  readonly value?: ScalarValue;
  readonly fault?: string;
  readonly warning?: string;
}

/** `filled`: the text came out of variables, so it may spell a number or a boolean. */
export function readScalar(node: ScalarNode, given: ScalarValue, filled: boolean): Result {
  if (given === null) return { fault: 'has no value; give one or leave the key out' };
  switch (node.kind) {
    case 'number':
      return readNumber(node, given, filled);
    case 'boolean':
      return readBoolean(given, filled);
    case 'word':
      return readWord(node, given);
    case 'duration':
    case 'size':
      return readQuantity(node, given);
    case 'string':
      if (typeof given === 'string') return { value: given };
      return { fault: `wants a string, found ${nameOf(given, filled)}: put it in quotes` };
    default:
      return node satisfies never;
  }
}

type Given = string | number | boolean;

const nameOf = (given: Given, filled: boolean): string => {
  if (typeof given !== 'string') return typeof given === 'number' ? 'a number' : 'true or false';
  return filled ? 'another text in the variable' : 'a string';
};

const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

function readNumber(node: NumberNode, given: Given, filled: boolean): Result {
  if (typeof given === 'string' && node.words.includes(given)) return { value: given };
  const spelled = typeof given === 'string' && filled && NUMBER.test(given.trim());
  const value = spelled ? Number(given) : given;
  if (typeof value !== 'number') {
    return { fault: `wants ${numberWords(node)}, found ${nameOf(given, filled)}` };
  }
  const fits = value >= node.min && value <= node.max && (!node.whole || Number.isInteger(value));
  return fits ? { value } : { fault: `wants ${numberWords(node)}, found ${value}` };
}

function numberWords(node: NumberNode): string {
  const kind = node.whole ? 'a whole number' : 'a number';
  const least = node.min === ABOVE_ZERO ? 'above 0 and up to' : `from ${node.min} to`;
  const words = node.words.map((word) => ` or "${word}"`).join('');
  return `${kind} ${least} ${node.max}${words}`;
}

const SPELLED: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
]);

function readBoolean(given: Given, filled: boolean): Result {
  if (typeof given === 'boolean') return { value: given };
  const spelled = filled ? SPELLED.get(String(given).trim().toLowerCase()) : undefined;
  if (spelled !== undefined) return { value: spelled };
  return { fault: `wants true or false, found ${nameOf(given, filled)}` };
}

function readWord(node: WordNode, given: Given): Result {
  const value = String(given);
  if (node.words.includes(value)) return { value };
  const now = Object.hasOwn(node.former, value) ? node.former[value] : undefined;
  if (now !== undefined) return { value: now, warning: `"${value}" is read as "${now}"` };
  return { fault: `must be one of ${node.words.join(', ')}${didYouMean(value, node.words)}` };
}

function readQuantity(node: QuantityNode, given: Given): Result {
  const isTime = node.kind === 'duration';
  const parse = isTime ? parseDurationMs : parseSizeBytes;
  const value = typeof given === 'boolean' ? undefined : parse(given);
  if (value === undefined) {
    const wanted = isTime
      ? 'a duration such as 500ms, 30s, 10m, 1h or a number of seconds'
      : 'a size such as 32MiB, 512KiB, 1MB or a number of bytes';
    return { fault: `wants ${wanted}` };
  }
  if (value >= node.min && value <= node.max) return { value };
  const show = isTime ? formatDuration : (bytes: number) => `${bytes} bytes`;
  return { fault: `must be from ${show(node.min)} to ${show(node.max)}` };
}
