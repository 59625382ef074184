import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/database.ts';
import { NodeProcesses } from './remote-node.ts';
import { Tally, type TallyRows } from './tally.ts';
import { type Result, Theatre } from './theatre.ts';

/** The number of nodes in a worker, when they are not separate processes. */
const slotsWithin = 2;

/** The arguments of a worker, as JSON. */
export type WorkerParts = {
  /** A directory for its files, removed after the run. */
  readonly dir: string;
  /** The URL of its own database; null for a new PGlite. */
  readonly databaseUrl: string | null;
  readonly nodes: number | null;
  readonly replay: string;
  readonly trace: boolean;
};

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'at'; readonly what: string }
  | { readonly kind: 'result'; readonly result: Result; readonly tally: TallyRows };

/** Runs the seeds that its parent sends, one after the other, until the parent disconnects. */
async function work({ dir, databaseUrl, nodes, replay, trace }: WorkerParts): Promise<void> {
  const dataDir = mkdtempSync(join(dir, 'data-'));
  const database = await openDatabase({ databaseUrl, dataDir });
  const send = (message: FromWorker): void => {
    process.send?.(message);
  };
  const processes = nodes === null || databaseUrl === null ? null : new NodeProcesses(databaseUrl);
  const theatre = new Theatre({
    ...{ database, slots: nodes ?? slotsWithin },
    ...(processes !== null && { startNode: processes.start }),
    replay: (failed) => `${replay} --seed ${failed}`,
    onStep: (what) => send({ kind: 'at', what }),
    trace: trace ? (what) => console.log(`  > ${what}`) : () => {},
  });
  process.on('message', (seed: number) => {
    const tally = new Tally();
    void theatre.play(seed, tally).then((result) => send({ kind: 'result', result, tally: tally.rows() }));
  });
  process.on('SIGINT', () => {}); // Ctrl-C is handled by the parent
  process.on('disconnect', () => {
    processes?.close();
    process.exit();
  });
  send({ kind: 'ready' });
}

await work(JSON.parse(process.argv[2] ?? '{}') as WorkerParts);
