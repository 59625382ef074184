/** The number of digits of an amount in a term: those of the largest one. */
const amountDigits = 16;

/**
 * The length of a period. A page by the beginning of a number may look into all periods of a merchant, some microseconds each, and may read the
 * orders of one: a longer period is better for a merchant of many years, a shorter one for a merchant with many orders a day. Never changed
 * without a migration of the terms.
 */
const periodSeconds = 4 * 86_400;

/** The period of a time, which is an SQL expression: a number that grows with the time. */
export function periodOfSql(time: string): string {
  return `floor(extract(epoch from ${time}) / ${periodSeconds})::int`;
}

/** The time at which a period, an SQL expression, begins. */
export function startOfPeriodSql(period: string): string {
  return `to_timestamp((${period})::float8 * ${periodSeconds})`;
}

/**
 * The terms of an order `o`, as a relation `t(term)`:
 *
 * - `b`, the period in which the order was created, a colon and the number
 * - `n` and the number from its end to its beginning, in lower case
 * - `a` and the total in minor units, with leading zeros
 * - `v` and a hash of a metadata value in lower case, so that the table repeats nothing of a person
 */
export const termsOfOrderSql = `(
  select 'b' || ${periodOfSql('o.created_at')} || ':' || o.number
  union select 'n' || lower(reverse(o.number)) union select 'a' || lpad(o.total_minor::text, ${amountDigits}, '0')
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
  return isBeginningSql(term, `'n' || lower(reverse(${text}))`);
}

/** The condition for the term, an SQL expression, of an order of a period, whose number begins with the text; both are SQL expressions. */
export function isNumberBeginningSql(term: string, period: string, text: string): string {
  return isBeginningSql(term, `'b' || ${period} || ':' || ${text}`);
}

/** Sorts after all that a term may have behind a beginning, because numbers have at most 64 characters. */
const endSql = 'repeat(chr(1114111), 65)';

function isBeginningSql(term: string, beginning: string): string {
  return `${term} >= ${beginning} and ${term} < ${beginning} || ${endSql}`;
}
