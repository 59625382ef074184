import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** The new value of one row; `row: null` deletes it. */
export type Change = { readonly table: string; readonly id: string; readonly row: object | null };

/** The changes of one transaction. A line of the file is one entry, so a transaction is restored completely or not at all. */
export type Entry = { readonly lastNumber: number; readonly changes: readonly Change[] };

export interface Journal {
  /** Returns when the operating system has the entry: it survives a crash of this process, but not a power failure. */
  append(entry: Entry): void;
  /** Replaces the file atomically with these entries. */
  rewrite(entries: readonly Entry[]): void;
  close(): void;
}

export const memoryJournal: Journal = { append: () => undefined, rewrite: () => undefined, close: () => undefined };

const newline = 0x0a;

/**
 * Opens or creates `ledger.jsonl` in `dir` and passes every entry to `replay` in the order written. A last line without a newline
 * is truncated: a crash interrupted it before its response was sent.
 *
 * @throws {Error} when a complete line is not JSON: the file was edited or the disk is faulty.
 */
export function openJournal(dir: string, replay: (entry: Entry) => void): Journal {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'ledger.jsonl');
  let file = openSync(path, 'a', 0o600);
  const written = readFileSync(path);
  const completeBytes = written.lastIndexOf(newline) + 1;
  if (completeBytes < written.length) truncateSync(path, completeBytes);
  replayLines(path, written.subarray(0, completeBytes), replay);
  return {
    append(entry) {
      writeAtomically(file, `${JSON.stringify(entry)}\n`);
    },
    rewrite(entries) {
      const next = openSync(`${path}.next`, 'w', 0o600);
      for (const entry of entries) writeAtomically(next, `${JSON.stringify(entry)}\n`);
      fsyncSync(next);
      closeSync(next);
      renameSync(`${path}.next`, path);
      closeSync(file);
      file = openSync(path, 'a', 0o600);
    },
    close: () => closeSync(file),
  };
}

function replayLines(path: string, lines: Buffer, replay: (entry: Entry) => void): void {
  let start = 0;
  for (let line = 1; start < lines.length; line += 1) {
    const end = lines.indexOf(newline, start);
    replay(parseLine(lines.toString('utf8', start, end), `${path} line ${line}`));
    start = end + 1;
  }
}

function parseLine(text: string, where: string): Entry {
  try {
    return JSON.parse(text) as Entry; // written by append() and rewrite() only
  } catch (cause) {
    throw new Error(
      `The sandbox's ledger cannot be read: ${where} is not JSON. Move the file away to start with an empty ledger.`,
      {
        cause,
      },
    );
  }
}

/** Writes all of the text or none. A partial write, as on a full disk, is truncated, or the next line would be appended to it. */
function writeAtomically(file: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(file, bytes, done);
  } catch (error) {
    if (done > 0) ftruncateSync(file, fstatSync(file).size - done);
    throw error;
  }
}
