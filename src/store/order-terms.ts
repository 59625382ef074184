/** The number of digits of an amount in a term: those of the largest one. */
const amountDigits = 16;

/**
 * The terms of an order `o`, as a relation `t(term)`:
 *
 * - `n` and the number from its end to its beginning, in lower case
 * - `a` and the total in minor units, with leading zeros
 * - `v` and a hash of a metadata value in lower case, so that the table repeats nothing of a person
 */
export const termsOfOrderSql = `(
  select 'n' || lower(reverse(o.number)) union select 'a' || lpad(o.total_minor::text, ${amountDigits}, '0')
  union select ${termOfValueSql('m.value')} from jsonb_each_text(o.metadata) m where m.value <> ''
) t(term)`;

/** The term of a metadata value, which is an SQL expression. */
export function termOfValueSql(value: string): string {
  return `'v' || left(encode(sha256(convert_to(lower(${value}), 'UTF8')), 'hex'), 32)`;
}

export function termOfAmount(amountMinor: bigint): string {
  return `a${String(amountMinor).padStart(amountDigits, '0')}`;
}

/** The condition for the term, an SQL expression, of a number that ends with the text, which is another one. */
export function isNumberEndSql(term: string, text: string): string {
  const beginning = `'n' || lower(reverse(${text}))`;
  return `${term} >= ${beginning} and ${term} < ${beginning} || chr(1114111)`;
}
