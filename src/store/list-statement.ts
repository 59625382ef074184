import { timeOfId } from '../domain/ids.ts';

/** The first `limit` rows in one direction of (time, id), later than the row `after` and earlier than the row `before`. */
export type ListPage = {
  /** Null for any order, when the rows are only counted. */
  readonly direction: 'asc' | 'desc' | null;
  readonly after: string | null;
  readonly before: string | null;
  readonly limit: number;
};

/** A number of rows: at most `countMax`, then there may be more. */
export type ListCount = { readonly value: number; readonly isCapped: boolean };
export const countMax = 10_000;
export const wholeList: ListPage = { direction: null, after: null, before: null, limit: countMax + 1 };

export function countOf(rows: readonly { readonly count: number }[]): ListCount {
  const count = rows[0]?.count ?? 0;
  return { value: Math.min(count, countMax), isCapped: count > countMax };
}

/** Rows of one merchant in a table. */
export type ListTable = {
  readonly name: 'payments' | 'refunds' | 'deliveries';
  /** The column that the list is sorted by, before the id. */
  readonly time: string;
  /** Columns with few values each. The table has an index on the merchant, these columns, the time and the id. */
  readonly state: readonly string[];
};

/** A condition that is checked row by row. The offset keeps the planner from joining the whole table instead. */
export const perRow = (rows: string) => `exists (select from ${rows} offset 0)`;

/**
 * A statement on a list of one merchant, and its values. The rows have the alias `x`. Conditions on the columns of the state lead to the first
 * rows of each combination of values that the merchant has, however many other rows lie between: the page is merged from them.
 */
export class ListStatement {
  readonly values: unknown[];
  readonly #table: ListTable;
  readonly #page: ListPage;

  constructor(merchantId: string, table: ListTable, page: ListPage) {
    this.values = [merchantId];
    this.#table = table;
    this.#page = page;
  }

  /** Adds a value, and returns its placeholder. */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  /** `column = any(values)`, or nothing for null. */
  isAny(column: string, type: string, values: readonly unknown[] | null): string[] {
    return values === null ? [] : [`${column} = any(${this.add(values)}::${type}[])`];
  }

  /** The bounds of a column, `to` included. */
  within(column: string, type: string, from: unknown, to: unknown): string[] {
    return [
      ...(from === null ? [] : [`${column} >= ${this.add(from)}::${type}`]),
      ...(to === null ? [] : [`${column} <= ${this.add(to)}::${type}`]),
    ];
  }

  /** From one time until before another. */
  during(column: string, from: Date | null, before: Date | null): string[] {
    return [
      ...(from === null ? [] : [`${column} >= ${this.add(from)}::timestamptz`]),
      ...(before === null ? [] : [`${column} < ${this.add(before)}::timestamptz`]),
    ];
  }

  /** The page of the rows in the state, merged from the combinations `c` that meet `ofState`. Needs `combinations()` before it. */
  mergedKeys(ofState: readonly string[], conditions: readonly string[]): string {
    const { state } = this.#table;
    const limited = this.#limited();
    const isCombination = state.map((column) => `x.${column} = c.${column}`);
    const rows = `${this.#rows([...isCombination, ...conditions])} ${this.#sorted(limited)}`;
    const meeting = ofState.length === 0 ? '' : `where ${ofState.join(' and ')}`;
    return `select r.* from combination c cross join lateral (${rows}) r ${meeting} ${
      this.#page.direction === null ? limited : this.#sorted(limited)
    }`;
  }

  /** The page of rows from an index that has its order. */
  sortedKeys(conditions: readonly string[]): string {
    return `${this.#rows(conditions)} ${this.#sorted(this.#limited())}`;
  }

  /** The page of few rows: all of them are read. */
  fewKeys(conditions: readonly string[]): string {
    return `select r.* from (${this.#rows(conditions)} offset 0) r ${this.#sorted(this.#limited())}`;
  }

  /** The combinations of state that the merchant has rows in, each read as the next lower one in the index. */
  combinations(): string {
    const { name, state, time } = this.#table;
    const columns = state.map((column) => `x.${column}`);
    const held = state.map((column) => `c.${column}`);
    const order = [...columns, `x.${time}`, 'x.id'].map((column) => `${column} desc`).join();
    const next = (conditions: readonly string[]) =>
      `select ${columns.join()} from ${name} x where ${['x.merchant_id = $1', ...conditions].join(' and ')} order by ${order} limit 1`;
    return `combination as (
      (${next([])}) union all
      select n.* from combination c cross join lateral (${next([`(${columns.join()}) < (${held.join()})`])}) n)`;
  }

  /** The rows of a page, by their keys. */
  rowsOf(keys: string, columns: string): string {
    const { name } = this.#table;
    const by = this.#page.direction ?? 'desc';
    return `
      with recursive ${this.combinations()}, page as materialized (${keys})
      select ${columns} from page join ${name} x on x.id = page.id order by page.time ${by}, page.id ${by}`;
  }

  countOf(keys: string): string {
    return `with recursive ${this.combinations()}, found as (${keys}) select count(*)::int as count from found`;
  }

  #rows(conditions: readonly string[]): string {
    const { name, time } = this.#table;
    const all = ['x.merchant_id = $1', ...conditions, ...this.#afterCursors()];
    return `select x.id, x.${time} as time from ${name} x where ${all.join(' and ')}`;
  }

  #limited(): string {
    return `limit ${this.add(this.#page.limit)}::int`;
  }

  #sorted(limited: string): string {
    const by = this.#page.direction ?? 'desc';
    return `order by time ${by}, id ${by} ${limited}`;
  }

  #afterCursors(): string[] {
    const { after, before } = this.#page;
    return [...this.#afterCursor('>', after), ...this.#afterCursor('<', before)];
  }

  #afterCursor(sign: '>' | '<', id: string | null): string[] {
    if (id === null) return [];
    const { name, time } = this.#table;
    const cursor = this.add(id);
    // Of a row that is not there, such as one that was lost with a restored database, the time in its id is taken.
    const stored = `(select l.${time} from ${name} l where l.id = ${cursor} and l.merchant_id = $1)`;
    return [`(x.${time}, x.id) ${sign} (coalesce(${stored}, ${this.add(timeOfId(id))}::timestamptz), ${cursor})`];
  }
}
