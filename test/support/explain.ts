import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Database } from '../../src/database/database.ts';
import { planTransactionByKeySql } from '../../src/database/planning.ts';

/** A step of a plan, as `EXPLAIN (ANALYZE, FORMAT JSON)` shows it. */
export type PlanStep = {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  /** Pages, with those of the steps below. */
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanStep[];
};

type Prepared = { readonly name: string; readonly text: string; readonly values: readonly unknown[] };
type Explained = { readonly 'QUERY PLAN': [{ readonly Plan: PlanStep }] };

/**
 * All steps of the plan that a statement gets on the connections for writes, or on the transaction in which it is. A prepared statement has
 * one plan for all parameters; another one is planned for its own.
 */
export async function explain(
  on: Pick<pg.ClientBase, 'query'>,
  statement: Prepared | string,
  values: readonly unknown[] = [],
): Promise<readonly PlanStep[]> {
  const explainSql = 'explain (analyze, buffers, format json)';
  if (typeof statement === 'string') {
    const { rows } = await on.query<Explained>(`${explainSql} ${statement}`, [...values]);
    return rows.flatMap((row) => stepsOf(row['QUERY PLAN'][0].Plan));
  }
  const name = `explained_${randomUUID().replaceAll('-', '')}`;
  await on.query(`prepare ${name} as ${statement.text}`);
  const given = statement.values.length === 0 ? '' : `(${statement.values.map(literalOf).join(', ')})`;
  const { rows } = await on.query<Explained>(`${explainSql} execute ${name}${given}`);
  await on.query(`deallocate ${name}`);
  return rows.flatMap((row) => stepsOf(row['QUERY PLAN'][0].Plan));
}

function stepsOf(step: PlanStep): PlanStep[] {
  return [step, ...(step.Plans ?? []).flatMap(stepsOf)];
}

function literalOf(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Buffer) return `decode('${value.toString('hex')}', 'hex')`;
  if (value instanceof Date) return `'${value.toISOString()}'`;
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.map(elementOf).join(',')}}`);
  return pg.escapeLiteral(String(value));
}

function elementOf(value: unknown): string {
  if (value === null) return 'NULL';
  const text =
    value instanceof Buffer ? `\\x${value.toString('hex')}` : value instanceof Date ? value.toISOString() : value;
  return `"${String(text).replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Runs `work` with a connection that plans as those for writes do, in a transaction that is rolled back. */
export async function onPlannedByKey<T>(
  { writes, kind }: Pick<Database, 'writes' | 'kind'>,
  work: (on: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await writes.connect();
  try {
    await client.query('begin');
    if (kind === 'pglite') await client.query(planTransactionByKeySql);
    return await work(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}
