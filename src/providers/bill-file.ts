import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { BillLine } from '../domain/reconciliation.ts';
import { BillUnreadableError } from './bill.ts';

/** More than any bill of one day has, as it is sent; a larger one fills no disk. */
const downloadBytesMax = 4 * 1024 ** 3;
/** The same of what it unpacks to. */
const unpackedBytesMax = 16 * 1024 ** 3;
const lineCharactersMax = 64 * 1024;

/** A line of a text file; the first one is 1. */
export type NumberedLine = { readonly number: number; readonly text: string };

/** A file of the caller's own in a directory that nobody else reads. Removed by `remove`, which may be called twice. */
export type BillFile = { readonly path: string; remove(): Promise<void> };

/**
 * Downloads a bill to a file.
 * @param headers sent to that address and to none that it leads on to: with them a redirect is refused.
 * @throws {BillUnreadableError} when it does not come, or not as a whole, or is too large.
 */
export async function downloadBill(
  url: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> | null = null,
): Promise<BillFile> {
  const directory = await mkdtemp(join(tmpdir(), 'paystream-bill-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const response = await fetch(url, { signal, ...(headers !== null && { headers, redirect: 'error' }) });
    const { ok, status, body } = response;
    if (!ok || body === null) throw new BillUnreadableError(`The bill could not be downloaded: HTTP ${status}.`);
    const path = join(directory, 'bill');
    // The two types of web streams, the platform's and Node's, are one at run time.
    const bytes = Readable.fromWeb(body as ReadableStream<Uint8Array>);
    await pipeline(bytes, noMoreThan(downloadBytesMax), createWriteStream(path, { mode: 0o600 }), { signal });
    return { path, remove };
  } catch (error) {
    await remove();
    if (error instanceof BillUnreadableError) throw error;
    signal.throwIfAborted();
    throw new BillUnreadableError('The bill could not be downloaded as a whole. Try again.', { cause: error });
  }
}

/** Passes chunks on, until there are more bytes than a bill can have: a small file may unpack to more than any disk holds. */
export function noMoreThan(bytesMax = unpackedBytesMax) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw new BillUnreadableError(`The bill is larger than ${bytesMax} bytes.`);
      yield chunk;
    }
  };
}

/**
 * The lines of a text, as many at a time as a chunk brings. A byte order mark is dropped.
 * @throws {BillUnreadableError} for bytes that are not of the encoding, and for a line that has no end.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  encoding: 'utf-8' | 'gbk',
): AsyncGenerator<readonly NumberedLine[]> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let number = 0;
  let rest = '';
  const decode = (chunk: Uint8Array | null): string => {
    try {
      return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new BillUnreadableError(`Line ${number + 1} of the bill, or one soon after it, is not ${encoding} text.`, {
        cause: error,
      });
    }
  };
  const numbered = (texts: readonly string[]): NumberedLine[] =>
    texts.map((text) => {
      number += 1;
      return { number, text: text.endsWith('\r') ? text.slice(0, -1) : text };
    });
  for await (const chunk of chunks) {
    const texts = (rest + decode(chunk)).split('\n');
    rest = texts.pop() ?? '';
    if (texts.length > 0) yield numbered(texts);
    if (rest.length > lineCharactersMax) throw new BillUnreadableError(`Line ${number + 1} of the bill has no end.`);
  }
  rest += decode(null);
  if (rest !== '') yield numbered([rest]);
}

/** The iteration of a file's bill lines, with the file removed however it ends. */
export async function* removingAfter(
  file: BillFile,
  lines: AsyncIterable<readonly BillLine[]>,
): AsyncGenerator<BillLine> {
  try {
    for await (const some of lines) yield* some;
  } finally {
    await file.remove();
  }
}

/** Reads a cell, or says which line has the one that cannot be read. Amounts and buyers' names are not repeated. */
export function readAt<T>({ number }: NumberedLine, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(number, `its ${what} cannot be read`, error);
  }
}

export function unreadable(lineNumber: number, why: string, cause?: unknown): BillUnreadableError {
  return new BillUnreadableError(`Line ${lineNumber} of the bill is not one of this provider: ${why}.`, { cause });
}

/** Where each of the columns that are needed stands. Others may come and go. @throws {BillUnreadableError} naming one that is missing. */
export function columnsOf<Name extends string>(
  header: NumberedLine,
  cells: readonly string[],
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  const positions = names.map((name) => [name, cells.indexOf(name)] as const);
  for (const [name, position] of positions) {
    if (position < 0) throw unreadable(header.number, `it is the header, and has no column ${name}`);
  }
  // Every name is a key, for every one of them was found.
  return Object.fromEntries(positions) as Record<Name, number>;
}
