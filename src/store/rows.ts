/**
 * Rows are sent and received as JSON, so that one statement loads an order with its payments and refunds, and one statement
 * writes them. The column name decides the type: `…_minor` is an amount; `…_at`, `…_time` and `…_until` are instants. Amounts
 * are sent as text, because some paths would convert a JSON number to a float.
 */
type Json = Record<string, unknown>;

/** Remembers what is made of a name. There are as many names as the tables have columns. */
function remembered<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return (name) => {
    let value = made.get(name);
    if (value === undefined) {
      value = make(name);
      made.set(name, value);
    }
    return value;
  };
}

const snakeOf = remembered((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
const fieldOf = remembered((column) => ({
  name: column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  isAmount: column.endsWith('_minor'),
  isInstant: /_(at|time|until)$/.test(column),
}));

/** Converts a row from `to_jsonb` to the domain type of the same name. The column types of the table justify the cast. */
export function fromRow<T>(row: Json): T {
  const value: Json = {};
  for (const column of Object.keys(row)) {
    const { name, isAmount, isInstant } = fieldOf(column);
    const field = row[column];
    value[name] =
      field === null ? null : isAmount ? BigInt(String(field)) : isInstant ? new Date(String(field)) : field;
  }
  return value as T;
}

const quotedOf = remembered((name) => `"${snakeOf(name)}":`);

/**
 * The fields of domain values as one row for `jsonb_populate_recordset`. It is made as text at once: an object of the row's columns, and
 * `JSON.stringify` with a replacer for its amounts, take three times as long.
 */
export function rowJson(...parts: readonly object[]): string {
  let text = '';
  for (const part of parts) {
    for (const [name, field] of Object.entries(part)) {
      if (field !== undefined) text += `${text === '' ? '' : ','}${quotedOf(name)}${fieldJson(field)}`;
    }
  }
  return `{${text}}`;
}

/** The rows that `rowJson` made, as one value. */
export function rowsJson(rows: readonly string[]): string {
  return `[${rows.join(',')}]`;
}

function fieldJson(field: unknown): string {
  if (field === null) return 'null';
  if (typeof field === 'bigint') return `"${field}"`;
  return typeof field === 'object' ? toJson(field) : JSON.stringify(field);
}

/** JSON in which amounts are decimal text and instants are RFC 3339 in UTC. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}

/** The column names of fields of a domain type. */
export function columnsOf(names: readonly string[]): string[] {
  return names.map(snakeOf);
}
