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
 * The fields of domain values as one row for `jsonb_populate_recordset`, in which a column that is left out is null. It is made as text at once: an
 * object of the row's columns, and `JSON.stringify` with a replacer for its amounts, take three times as long.
 */
export function rowJson(...parts: readonly object[]): string {
  let text = '';
  for (const part of parts) {
    const fields = part as Json;
    for (const name of Object.keys(fields)) {
      const field = fields[name];
      if (field != null) text += `${text === '' ? '' : ','}${quotedOf(name)}${toJson(field)}`;
    }
  }
  return `{${text}}`;
}

/** The rows that `rowJson` made, as one value. */
export function rowsJson(rows: readonly string[]): string {
  return `[${rows.join(',')}]`;
}

/** JSON in which amounts are decimal text and instants are RFC 3339 in UTC. Of plain values, as JSON has them, with amounts and instants. */
export function toJson(value: unknown): string {
  if (typeof value === 'string') return textJson(value);
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (value instanceof Date) return instantJson(value);
  if (Array.isArray(value)) return `[${value.map((item) => toJson(item ?? null)).join(',')}]`;
  let text = '';
  const fields = value as Json;
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    if (field !== undefined) text += `${text === '' ? '' : ','}${textJson(name)}:${toJson(field)}`;
  }
  return `{${text}}`;
}

/** Most texts are ids and names of states, for which calling `JSON.stringify` takes longer than looking at them. */
const unescaped = /^[\w .:-]{0,64}$/;

function textJson(text: string): string {
  return unescaped.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** The texts of recent instants: the rows of a batch have few different ones, and making the text takes longer than the rest of a column. */
const instants = new Map<number, string>();
const instantsMax = 512;

function instantJson(instant: Date): string {
  const ms = instant.getTime();
  let text = instants.get(ms);
  if (text === undefined) {
    text = JSON.stringify(instant);
    if (instants.size >= instantsMax) instants.clear();
    instants.set(ms, text);
  }
  return text;
}

/** The column names of fields of a domain type. */
export function columnsOf(names: readonly string[]): string[] {
  return names.map(snakeOf);
}
