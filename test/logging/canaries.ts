import type { TestApp } from '../support/test-app.ts';

/** Secrets by name. */
export type Canaries = Readonly<Record<string, string>>;

const shortestUseful = 16;

/** The forms in which a secret could be written: as it is, encoded for an address, in hexadecimal digits, and in base64 at each alignment. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const aligned = [0, 1, 2].map((skipped) => {
    const rest = bytes.subarray(skipped);
    // Whole groups of three bytes, so that the text before and after does not change them.
    return rest.subarray(0, rest.length - (rest.length % 3)).toString('base64');
  });
  const base64 = aligned.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    ...base64,
  ];
  return [...new Set(forms.filter(({ length }) => length >= shortestUseful))];
}

/** The part of a PEM that tells it from all others: its last lines are of the key alone. */
export function coreOf(pem: string): string {
  const body = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  return body.slice(-104, -40);
}

/** The secrets that occur in these texts, as "name in place". */
export function findCanaries(canaries: Canaries, texts: readonly Text[]): string[] {
  const wanted = Object.entries(canaries).flatMap(([name, secret]) => formsOf(secret).map((form) => ({ name, form })));
  const found = texts.flatMap(({ place, text }) =>
    wanted.filter(({ form }) => text.includes(form)).map(({ name }) => `${name} in ${place}`),
  );
  return [...new Set(found)];
}

export type Text = { readonly place: string; readonly text: string };

/** All rows, with the names of their tables; `next_action` is meant to hold a payment's client secret. */
export async function readRows({ database: { pool } }: TestApp): Promise<Text[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
  );
  const rows = tables.map(async ({ name }) => {
    const read = await pool.query<{ text: string }>(
      `select (to_jsonb(t) - 'next_action')::text as text from ${name} t`,
    );
    // to_jsonb writes bytes as hexadecimal digits. What they say is looked at too.
    return read.rows.flatMap(({ text }) => [
      { place: name, text },
      ...[...text.matchAll(/"\\\\x([\da-f]+)"/g)].map(([, hex = '']) => ({
        place: `bytes of ${name}`,
        text: Buffer.from(hex, 'hex').toString('latin1'),
      })),
    ]);
  });
  return (await Promise.all(rows)).flat();
}
