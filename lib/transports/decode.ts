/**
 * What if an answer is compressed although nobody asked for it? It is decoded on the way.
 *
 * Bytes come out as soon as the decoder can give them, so a compressed SSE stream still streams;
 * what comes out is pulled by the reader, so a small answer that inflates to gigabytes waits.
 */
import type { Readable, Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** The coding of a body as we treat it: `plain` needs nothing, `unknown` cannot be read. */
export type Coding = 'plain' | 'gzip' | 'deflate' | 'br' | 'unknown';

/** Reads `content-encoding` (RFC 9110 §8.4.1). Several codings in a row are unknown. */
export function codingOf(header: string | undefined): Coding {
  const name = header === undefined ? '' : header.trim().toLowerCase();
  switch (name) {
    case '':
    case 'identity':
      return 'plain';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
    case 'br':
      return name;
    default:
      return 'unknown';
  }
}

/** No body, whatever the headers say of it (RFC 9110 §6.4.1): nothing to decode. */
export function hasNoBody(status: number, headers: Readonly<Record<string, string>>): boolean {
  return status === 204 || status === 304 || headers['content-length'] === '0';
}

/** Without the headers that speak about the compressed form. */
export function withoutCoding(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-encoding': _coding, 'content-length': _length, ...rest } = headers;
  return rest;
}

/** The decoder behind a response. Its `error` is its own: a cut shows on the response. */
export function decoded(
  response: Readable,
  coding: Exclude<Coding, 'plain' | 'unknown'>,
): Transform {
  return response.pipe(decoderOf(coding));
}

function decoderOf(coding: Exclude<Coding, 'plain' | 'unknown'>): Transform {
  switch (coding) {
    case 'gzip':
      return createGunzip({ flush: constants.Z_SYNC_FLUSH });
    case 'deflate':
      return createInflate({ flush: constants.Z_SYNC_FLUSH });
    case 'br':
      return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    default: {
      const never: never = coding;
      throw new TypeError(`no decoder for ${String(never)}`);
    }
  }
}
