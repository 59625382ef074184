import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OrderStatus } from '../../src/domain/order.ts';

/** One pair of a held and a next status, with its mark in the table. */
export type Cell = readonly [held: string, next: string, mark: string];

/**
 * Reads a table from text. The first line has the column names. Each other line has a held status and one mark per column.
 *
 * @throws {RangeError} when a line has too few or too many marks.
 */
export function readTable(text: string): Cell[] {
  const [head = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([held = '', ...marks]) => {
    if (marks.length !== head.length) throw new RangeError(`${held} has ${marks.length} marks, not ${head.length}.`);
    return marks.map((mark, column): Cell => [held, head[column] ?? '', mark]);
  });
}

/**
 * The states of an order. Rows are the held status, columns the next one. x: may follow. `.`: may not follow. 2: only in two steps of one
 * decision, of which the database sees only the result. CONFIRMED is left only before a capture: an authorization can be voided or expire.
 * CANCELED and EXPIRED are left for late money that the merchant's policy or an operator accepts.
 */
export const orderTable = `
            OPEN CLOSING CONFIRMED CANCELED EXPIRED
  OPEN        .     x        x        2        2
  CLOSING     .     .        x        x        x
  CONFIRMED   x     x        .        x        x
  CANCELED    .     .        x        .        .
  EXPIRED     .     .        x        .        .
`;
const orderCells = readTable(orderTable);

export function mayFollowOrder(held: OrderStatus, next: OrderStatus): boolean {
  return orderCells.some((cell) => cell[0] === held && cell[1] === next && cell[2] === 'x');
}

/** The transitions that the table's trigger in the latest migration allows, each as `HELD → NEXT`. */
export function readTrigger(table: string): ReadonlySet<string> {
  const dir = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
  const sql = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => readFileSync(join(dir, name, 'migration.sql'), 'utf8'))
    .join('\n');
  const triggers = sql.matchAll(
    new RegExp(`TRIGGER "${table}_status_follows"[^;]*"check_status_follows"\\(([^;]*)\\);`, 'g'),
  );
  const rules = [...([...triggers].at(-1)?.[1] ?? '').matchAll(/'([A-Z_]+): ([A-Z_ ]+)'/g)];
  if (rules.length === 0) throw new Error(`No migration defines a status trigger on ${table}.`);
  return new Set(rules.flatMap(([, held, nexts = '']) => nexts.split(' ').map((next) => `${held} → ${next}`)));
}
