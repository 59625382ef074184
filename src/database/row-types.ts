import pg from 'pg';

/** Parses a value from the server's text format. */
type Parse = (text: string) => unknown;

const { INT8 } = pg.types.builtins;
const int8ArrayOid = 1016;
const textArrayOid: number = 1009; // a plain number, because the driver's list has no array types

/**
 * The column types of one pool: int8 is read as bigint (count(*) too), timestamptz as Date, jsonb as its parsed value,
 * and arrays of enums as arrays of strings. The parsers belong to the pool, because the driver's registry is global and
 * Prisma uses it.
 */
export class RowTypes {
  readonly #parsers = new Map<number, Parse>([
    [INT8, BigInt],
    [int8ArrayOid, (text) => parseTextArray(text).map(parseNullableBigInt)],
  ]);

  readonly getTypeParser = (oid: number, format: 'text' | 'binary' = 'text') => {
    const own = format === 'text' ? this.#parsers.get(oid) : undefined;
    return own ?? pg.types.getTypeParser(oid, format);
  };

  /** Loads the oids of the enum types, which differ in every database. Call it after the migrations. */
  async loadEnumArrays(pool: pg.Pool): Promise<void> {
    const { rows } = await pool.query<{ oid: number }>(
      `SELECT list.oid FROM pg_type AS list JOIN pg_type AS item ON item.oid = list.typelem
       WHERE list.typcategory = 'A' AND item.typtype = 'e'`,
    );
    for (const { oid } of rows) this.#parsers.set(oid, parseTextArray);
  }
}

function parseTextArray(text: string): (string | null)[] {
  return pg.types.getTypeParser(textArrayOid)(text);
}

function parseNullableBigInt(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}
