import type { IncomingMessage } from 'node:http';
import { bodyBytesMax } from './limits.ts';
import { RequestAbortedError, RequestRefusedError } from './refusal.ts';

/**
 * Reads the raw bytes of a body.
 * @throws {RequestRefusedError} 413 as soon as the body exceeds `bodyBytesMax`; the rest is discarded.
 * @throws {RequestAbortedError} when the connection closes before the end of the body.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => new RequestRefusedError(413, `The body must have at most ${bodyBytesMax} bytes.`);
    if (declaredLength(request) > bodyBytesMax) return reject(tooLarge());
    let chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyBytesMax) return void chunks.push(chunk);
      chunks = []; // the rest is read and discarded
      reject(tooLarge());
    });
    let hasEnded = false;
    request.once('end', () => {
      hasEnded = true;
      const [first] = chunks;
      resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
    request.once('error', (error) => reject(new RequestAbortedError('The body did not end.', { cause: error })));
    request.once('close', () => {
      if (!hasEnded) reject(new RequestAbortedError('The body did not end.'));
    });
  });
}

export function declaredLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** True when the rest of an unread body is too long, or of unknown length, to be skipped before the next request on the connection. */
export function isBodyLeft(request: IncomingMessage): boolean {
  if (request.complete) return false;
  return request.headers['transfer-encoding'] !== undefined || declaredLength(request) > bodyBytesMax;
}
