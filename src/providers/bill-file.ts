import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { BillLine } from '../domain/reconciliation.ts';
import { BillUnreadableError } from './bill.ts';

/** The limit for a compressed bill. It is larger than any bill of one day and keeps the disk from filling up. */
const downloadBytesMax = 4 * 1024 ** 3;
/** The limit for an unpacked bill. */
const unpackedBytesMax = 16 * 1024 ** 3;
const lineCharactersMax = 64 * 1024;

/** A line of a text file. Numbers start at 1. */
export type NumberedLine = { readonly number: number; readonly text: string };

/** A temporary file in a directory that only this user can read. `remove` deletes it and may be called twice. */
export type BillFile = { readonly path: string; remove(): Promise<void> };

/**
 * Downloads a bill to a file.
 *
 * @param headers sent to this URL only: with headers, a redirect is refused.
 * @throws {BillUnreadableError} when the download fails, is incomplete or is too large.
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
    // The web stream types of the platform and of Node are the same at run time.
    const bytes = Readable.fromWeb(body as ReadableStream<Uint8Array>);
    await pipeline(bytes, limitBytes(downloadBytesMax), createWriteStream(path, { mode: 0o600 }), { signal });
    return { path, remove };
  } catch (error) {
    await remove();
    if (error instanceof BillUnreadableError) throw error;
    signal.throwIfAborted();
    throw new BillUnreadableError('The download of the bill was incomplete. Try again.', { cause: error });
  }
}

/** Passes chunks on and fails when they exceed the limit: a small file may unpack to more than the disk holds. */
export function limitBytes(bytesMax = unpackedBytesMax) {
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
 * Splits text into lines, in batches of one chunk. A byte order mark is dropped.
 *
 * @throws {BillUnreadableError} for bytes that are not in the encoding, and for a line that is too long.
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

/** Iterates over the bill lines of a file and removes the file afterwards, also after an error or an early exit. */
export async function* removeAfter(
  file: BillFile,
  lines: AsyncIterable<readonly BillLine[]>,
): AsyncGenerator<BillLine> {
  try {
    for await (const some of lines) yield* some;
  } finally {
    await file.remove();
  }
}

/**
 * Reads a cell. @throws {BillUnreadableError} naming the line. Amounts and buyers' names are not repeated in the
 * message.
 */
export function readCell<T>({ number }: NumberedLine, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(number, `its ${what} cannot be read`, error);
  }
}

export function unreadable(lineNumber: number, why: string, cause?: unknown): BillUnreadableError {
  return new BillUnreadableError(`Line ${lineNumber} of the bill is not one of this provider: ${why}.`, { cause });
}

/**
 * The positions of the required columns. Other columns may change. @throws {BillUnreadableError} naming a missing
 * column.
 */
export function columnsOf<Name extends string>(
  header: NumberedLine,
  cells: readonly string[],
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  const positions = names.map((name) => [name, cells.indexOf(name)] as const);
  for (const [name, position] of positions) {
    if (position < 0) throw unreadable(header.number, `it is the header, and has no column ${name}`);
  }
  // Every name was found above, so every name is a key.
  return Object.fromEntries(positions) as Record<Name, number>;
}
