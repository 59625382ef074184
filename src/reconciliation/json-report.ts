import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { differenceKinds, type Finding } from './finding.ts';
import type { Heading } from './table.ts';
import type { Tally } from './tally.ts';

/** One JSON object that is written during the run: first the differences one by one, then the sums. Amounts are decimal strings. */
export type JsonReport = {
  add(finding: Finding): Promise<void>;
  /** Writes the sums and completes the report. */
  finish(lines: number, tally: Tally): Promise<void>;
  /** Removes the file of an incomplete report, so that it cannot be mistaken for a complete one. */
  abandon(): Promise<void>;
};

export type JsonHead = Omit<Heading, 'lines'>;

/** Writes the report to a stream. */
export function printJson(to: Writable, head: JsonHead): Promise<JsonReport> {
  return writeJson(to, head, { kept: async () => {}, dropped: async () => {} });
}

/** Writes the report to a file that appears under its name only when it is complete. @throws when the file cannot be created. */
export async function saveJson(path: string, head: JsonHead): Promise<JsonReport> {
  const draft = `${path}.partial`;
  const to = createWriteStream(draft);
  await once(to, 'open');
  const closed = async () => {
    to.end();
    await finished(to);
  };
  return writeJson(to, head, {
    kept: async () => {
      await closed();
      await rename(draft, path);
    },
    dropped: async () => {
      to.destroy();
      await rm(draft, { force: true });
    },
  });
}

type Ends = { kept(): Promise<void>; dropped(): Promise<void> };

async function writeJson(to: Writable, head: JsonHead, ends: Ends): Promise<JsonReport> {
  let failure: Error | null = null;
  to.on('error', (error) => {
    failure = error;
  });
  // Findings arrive concurrently: each is written after the previous one, and only when the stream has room.
  let writing = Promise.resolve();
  const write = (text: string): Promise<void> => {
    writing = writing.then(async () => {
      if (failure !== null) throw failure;
      if (!to.write(text)) await once(to, 'drain');
    });
    return writing;
  };
  const isDifference = (kind: string) => differenceKinds.some((known) => known === kind);
  let isFirst = true;
  await write(`${textOf(head).slice(0, -1)},"differences":[`);
  return {
    async add(finding) {
      if (!isDifference(finding.kind)) return;
      const separator = isFirst ? '\n' : ',\n';
      isFirst = false;
      await write(separator + textOf(finding));
    },
    async finish(lines, tally) {
      const rest = {
        lines,
        result: tally.differences() === 0 ? 'NO_DIFFERENCES' : 'DIFFERENCES',
        sums: tally.sums(),
        foreign: tally.shown('FOREIGN'),
        nearBorder: tally.shown('NEAR_BORDER'),
      };
      await write(`\n],${textOf(rest).slice(1)}\n`);
      await ends.kept();
    },
    abandon: () => ends.dropped(),
  };
}

function textOf(value: object): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}
