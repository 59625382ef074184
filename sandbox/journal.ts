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

/** One row as it is from now on; `row: null` says that it is gone. */
export type Change = { readonly table: string; readonly id: string; readonly row: object | null };

/** Everything one act changed. A line of the file is one entry, so an act is kept whole or not at all. */
export type Entry = { readonly lastNumber: number; readonly changes: readonly Change[] };

export interface Journal {
  /** Returns only when the entry is with the operating system: it survives the death of this process, not a power cut. */
  append(entry: Entry): void;
  /** Replaces the whole file by these entries, at once or not at all. */
  rewrite(entries: readonly Entry[]): void;
  close(): void;
}

export const memoryJournal: Journal = { append: () => undefined, rewrite: () => undefined, close: () => undefined };

const newline = 0x0a;

/**
 * Opens (or makes) `ledger.jsonl` in `dir` and hands every entry to `replay` in the order written. A last line without its
 * newline was torn by a crash before anybody was answered: it is cut off.
 *
 * @throws {Error} when a line in the middle is not JSON: the file was edited or the disk is bad, and guessing would hide it.
 */
export function openJournal(dir: string, replay: (entry: Entry) => void): Journal {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'ledger.jsonl');
  let file = openSync(path, 'a', 0o600);
  const written = readFileSync(path);
  const wholeBytes = written.lastIndexOf(newline) + 1;
  if (wholeBytes < written.length) truncateSync(path, wholeBytes);
  replayLines(path, written.subarray(0, wholeBytes), replay);
  return {
    append(entry) {
      writeWhole(file, `${JSON.stringify(entry)}\n`);
    },
    rewrite(entries) {
      const next = openSync(`${path}.next`, 'w', 0o600);
      for (const entry of entries) writeWhole(next, `${JSON.stringify(entry)}\n`);
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
    return JSON.parse(text) as Entry; // written by append() above and by nobody else
  } catch (cause) {
    throw new Error(`The sandbox's ledger cannot be read: ${where} is not JSON. Move the file away to begin anew.`, {
      cause,
    });
  }
}

/** Writes all of it or none: what a full disk cut short is taken back, so that the next line does not grow onto it. */
function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(file, bytes, done);
  } catch (error) {
    if (done > 0) ftruncateSync(file, fstatSync(file).size - done);
    throw error;
  }
}
