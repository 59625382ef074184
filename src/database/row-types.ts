import pg from 'pg';

/** Reads a value from the text in which the server sends it. */
type Parse = (text: string) => unknown;

const { INT8 } = pg.types.builtins;
const int8ArrayOid = 1016;
const textArrayOid: number = 1009; // a plain number, for the driver's list of types stops short of arrays

/**
 * How one pool reads its columns: int8 as bigint (count(*) too), timestamptz as Date, jsonb as what it holds, lists of enums as lists
 * of strings. Kept per pool, for the driver's own registry is global and Prisma reads with it.
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

  /** Enum types have an oid of their own in every database, so they are looked up, once the migrations have made them. */
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
