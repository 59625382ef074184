import type { IncomingMessage } from 'node:http';
import { bodyBytesMax } from './limits.ts';
import { RequestAbortedError, RequestRefusedError } from './refusal.ts';

/**
 * Reads a body as it came, byte for byte.
 * @throws {RequestRefusedError} 413 as soon as it is larger than `bodyBytesMax`; the rest is not kept.
 * @throws {RequestAbortedError} when its sender goes away.
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
      chunks = []; // what still comes is read and dropped
      reject(tooLarge());
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', (error) => reject(new RequestAbortedError('The body did not end.', { cause: error })));
    request.once('close', () => reject(new RequestAbortedError('The body did not end.')));
  });
}

export function declaredLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

/** A body that nobody has read to its end, and that is too long, or of unknown length, to be skipped before the next request. */
export function isBodyLeft(request: IncomingMessage): boolean {
  if (request.complete) return false;
  return request.headers['transfer-encoding'] !== undefined || declaredLength(request) > bodyBytesMax;
}
