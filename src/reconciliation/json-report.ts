import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { differenceKinds, type Finding } from './finding.ts';
import type { Heading } from './table.ts';
import type { Tally } from './tally.ts';

/** One JSON object, written while it is found out: differences one by one, and the sums in the end. Amounts are decimal text. */
export type JsonReport = {
  add(finding: Finding): Promise<void>;
  /** Ends the object. */
  finish(lines: number, tally: Tally): Promise<void>;
  /** Leaves nothing behind that could be taken for a whole report. */
  abandon(): Promise<void>;
};

export type JsonHead = Omit<Heading, 'lines'>;

/** Prints it. */
export function printJson(to: Writable, head: JsonHead): Promise<JsonReport> {
  return writeJson(to, head, { kept: async () => {}, dropped: async () => {} });
}

/** Writes a file that appears under its name only as a whole. @throws when it cannot be made. */
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
  // Several are told side by side: each is written after the one before, and none before there is room.
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
