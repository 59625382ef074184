import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { wholeNumberOf } from '../support/command-options.ts';

export type Options = {
  /** The first seed and the number of seeds. */
  readonly from: number;
  readonly schedules: number;
  readonly workers: number;
  /** The number of nodes as separate processes; null for two nodes within the worker. */
  readonly nodes: number | null;
  /** The URL of a PostgreSQL server on which databases can be created; null for PGlite. */
  readonly databaseUrl: string | null;
  readonly stats: boolean;
  readonly bail: boolean;
  readonly trace: boolean;
};

export const usage = `npm run prove -- [options]
  --schedules N   how many schedules to run (100)
  --from SEED     the first one's seed (1)
  --seed SEED     one schedule only
  --workers N     processes that run schedules (one for each core)
  --nodes N       nodes as processes of their own on one PostgreSQL; DATABASE_URL names the server
  --stats         how often what has happened
  --bail          stop at the first failure
  --trace         every detail of what happens, with --seed`;

/** @throws {Error} with a message for the user. */
export function readOptions(args: readonly string[], databaseUrl: string | undefined): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      schedules: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      nodes: { type: 'string' },
      stats: { type: 'boolean', default: false },
      bail: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
    },
  });
  const { stats, bail, trace } = values;
  const seed = wholeNumberOf('seed', values.seed, 0);
  const nodes = wholeNumberOf('nodes', values.nodes, 1);
  if (nodes !== null && !databaseUrl) throw new Error('--nodes needs DATABASE_URL: PGlite lives in one process.');
  if (trace && seed === null) throw new Error('--trace needs --seed.');
  const schedules = seed === null ? (wholeNumberOf('schedules', values.schedules, 1) ?? 100) : 1;
  return {
    ...{ stats, bail, trace, schedules, nodes },
    from: seed ?? wholeNumberOf('from', values.from, 0) ?? 1,
    workers: Math.min(wholeNumberOf('workers', values.workers, 1) ?? availableParallelism(), schedules),
    databaseUrl: databaseUrl || null,
  };
}
