/** What are the numbers of a text? Small vectors out of a digest: same text, same vector. */
import { createHash } from 'node:crypto';
import { type Fields, list } from './request.ts';

const DIMENSIONS = 8;

function vector(text: string): number[] {
  const digest = createHash('sha1').update(text).digest();
  const raw = Array.from({ length: DIMENSIONS }, (_, at) => (digest[at] ?? 0) - 127.5);
  const length = Math.hypot(...raw);
  return raw.map((value) => Math.fround(value / length));
}

/** The answer to an embeddings request: floats, or base64 of 32-bit floats where asked for. */
export function embeddingsAnswer(body: Fields, model: string, promptTokens: number): string {
  const { input } = body;
  const texts = Array.isArray(input) && typeof input[0] !== 'number' ? list(input) : [input];
  const data = texts.map((text, index) => {
    const numbers = vector(typeof text === 'string' ? text : JSON.stringify(text ?? ''));
    const packed = (): string => Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
    const embedding = body.encoding_format === 'base64' ? packed() : numbers;
    return { object: 'embedding', index, embedding };
  });
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  return JSON.stringify({ object: 'list', data, model, usage });
}
