/** Marks the file as UTF-8. Without it, Excel reads Chinese names as Latin letters; programs that read CSV skip it. */
export const byteOrderMark = '\uFEFF';

const special = /[",\r\n]/;
/** What spreadsheets take for the beginning of a formula, also behind spaces and in full width. */
const formula = /^\s*[=+\-@＝＋－＠]|^[\t\r]/;
/** The same behind what a spreadsheet may take for the end of a cell: many countries separate cells by semicolons, and ignore our quotes then. */
const laterFormula = /([;\t\r\n|][\s"]*)(?=[=+\-@＝＋－＠])/g;

/** A record of RFC 4180, with its end of line. */
export function csvRecord(cells: readonly unknown[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`;
}

/**
 * Texts that a spreadsheet would run as a formula begin with an apostrophe: customers and buyers choose some of them. Null is an empty cell.
 */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  const given = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const text = (formula.test(given) ? `'${given}` : given).replace(laterFormula, "$1'");
  return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
