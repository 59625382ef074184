/**
 * Rows travel as JSON in both directions, so that one statement loads an order with all that hangs on it and one writes it. The
 * names decide the types: `…_minor` is an amount, `…_at`, `…_time` and `…_until` are instants. Amounts are sent as text, for JSON
 * numbers would pass through a float on some paths.
 */
type Json = Record<string, unknown>;

const isAmount = (column: string) => column.endsWith('_minor');
const isInstant = (column: string) => /_(at|time|until)$/.test(column);

const snakeOf = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelOf = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A row as `to_jsonb` gives it, as the domain's type of the same name. The table's column types vouch for the cast. */
export function fromRow<T>(row: Json): T {
  const entries = Object.entries(row).map(([column, value]) => [camelOf(column), fromColumn(column, value)]);
  return Object.fromEntries(entries) as T;
}

function fromColumn(column: string, value: unknown): unknown {
  if (value === null) return null;
  if (isAmount(column)) return BigInt(String(value));
  if (isInstant(column)) return new Date(String(value));
  return value;
}

/** A value of the domain as a row that `jsonb_populate_record` understands. */
export function toRow(value: object): Json {
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [snakeOf(name), field]));
}

/** JSON in which amounts are decimal text and instants are RFC 3339 in UTC. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}

/** The columns that a domain type fills, for a statement written once. */
export function columnsOf(names: readonly string[]): string[] {
  return names.map(snakeOf);
}
