/**
 * Rows are sent and received as JSON, so that one statement loads an order with its payments and refunds, and one statement
 * writes them. The column name decides the type: `…_minor` is an amount; `…_at`, `…_time` and `…_until` are instants. Amounts
 * are sent as text, because some paths would convert a JSON number to a float.
 */
type Json = Record<string, unknown>;

const isAmount = (column: string) => column.endsWith('_minor');
const isInstant = (column: string) => /_(at|time|until)$/.test(column);

const snakeOf = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelOf = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Converts a row from `to_jsonb` to the domain type of the same name. The column types of the table justify the cast. */
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

/** Converts a domain value to a row for `jsonb_populate_record`. */
export function toRow(value: object): Json {
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [snakeOf(name), field]));
}

/** JSON in which amounts are decimal text and instants are RFC 3339 in UTC. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}

/** The column names of fields of a domain type. */
export function columnsOf(names: readonly string[]): string[] {
  return names.map(snakeOf);
}
