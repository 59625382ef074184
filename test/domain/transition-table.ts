import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One held × next pair of a table, and whether the mark stands there. */
export type Cell = readonly [held: string, next: string, mark: string];

/**
 * Reads a table that is written out as text: the first line names the columns, every other line a held status and one mark for each
 * column. A table with a hole is no table.
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

/** What the table's trigger lets follow, as `HELD → NEXT`, in whatever migration it was written last. */
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
  if (rules.length === 0) throw new Error(`There is no trigger on ${table}.`);
  return new Set(rules.flatMap(([, held, nexts = '']) => nexts.split(' ').map((next) => `${held} → ${next}`)));
}
