import type { IncomingMessage } from 'node:http';

/** The most that a request may carry. */
export const bodyBytesMax = 256 * 1024;

export class BodyTooLargeError extends Error {}

/**
 * Reads a body as it came, byte for byte.
 * @throws {BodyTooLargeError} as soon as it is larger than `bodyBytesMax`; the rest is not read.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw new BodyTooLargeError();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) throw new BodyTooLargeError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
