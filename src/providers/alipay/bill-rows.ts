import { type NumberedLine, unreadable } from '../bill-file.ts';

type Cells = readonly string[];

/**
 * A row of Alipay's file. The tabs that Alipay appends to cells are removed. `cells` is null for a comment and a blank
 * line.
 */
export type Row = NumberedLine & { readonly cells: Cells | null };

const commentMark = '#';
const rowCharactersMax = 64 * 1024;

/**
 * Splits lines into rows and cells. Alipay does not document whether quotes are syntax or content, so both readings are
 * tried:
 *
 * - A line that has as many cells as the header when it is split at every comma is split there. Its quotes are content.
 * - In any other line, quotes at the beginning of a cell enclose commas and line breaks.
 * - A line that fits the first reading and ends inside quotes may be the first part of a row whose last cell contains a
 * line break. It is, unless the next line is a row or a comment.
 *
 * @throws {BillUnreadableError} when a quote is not closed and the row does not fit without it.
 */
export async function* rowsOf(chunks: AsyncIterable<readonly NumberedLine[]>): AsyncGenerator<readonly Row[]> {
  let width: number | null = null;
  /** An unfinished row that ends inside quotes. `cells` is set when the first reading fits it. */
  let begun: Row | null = null;
  for await (const lines of chunks) {
    const rows: Row[] = [];
    for (const line of lines) {
      if (begun?.cells && (isCommentOrBlank(line.text) || plainCellsOf(line.text, width) !== null)) {
        rows.push(begun);
        begun = null;
      }
      const text: string = begun === null ? line.text : `${begun.text}\n${line.text}`;
      const number: number = begun === null ? line.number : begun.number;
      if (begun === null && isCommentOrBlank(text)) {
        rows.push({ number, text, cells: null });
        continue;
      }
      if (text.length > rowCharactersMax) throw unreadable(number, 'a quote in it has no end');
      const plain: Cells | null = begun === null ? plainCellsOf(text, width) : null;
      const quoted: Cells | 'open' | null = text.includes('"') ? quotedCellsOf(text) : null;
      if (quoted === 'open') {
        begun = { number, text, cells: plain };
        continue;
      }
      begun = null;
      // A row that fits neither reading is returned as it is. The caller reports the error.
      const cells: Cells = plain ?? quoted ?? splitAtCommas(text);
      width ??= cells.length;
      rows.push({ number, text, cells });
    }
    yield rows;
  }
  if (begun === null) return;
  if (begun.cells === null) throw unreadable(begun.number, 'a quote in it has no end');
  yield [begun];
}

function isCommentOrBlank(text: string): boolean {
  return text.startsWith(commentMark) || text.trim() === '';
}

/** The cells of a line split at every comma; null when their number differs from the header's. */
function plainCellsOf(text: string, width: number | null): Cells | null {
  const cells = splitAtCommas(text);
  return width === null || cells.length === width ? cells : null;
}

function splitAtCommas(text: string): Cells {
  return text.split(',').map((given) => {
    const cell = given.trim();
    return /^"[^"]*"$/.test(cell) ? cell.slice(1, -1).trim() : cell;
  });
}

/**
 * The cells of a text in which quotes are syntax; `open` when the text ends inside quotes, null when a character
 * follows a closing quote.
 */
function quotedCellsOf(text: string): Cells | 'open' | null {
  const cells: string[] = [];
  const cell = /\s*(?:"((?:[^"]|"")*)("\s*|$)|([^,"][^,]*|))(,|$)/y;
  while (cell.lastIndex <= text.length) {
    const [, quoted, end, bare = '', separator] = cell.exec(text) ?? [];
    if (quoted !== undefined && end === '') return 'open';
    if (separator === undefined) return null;
    cells.push(quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"').trim());
    if (separator === '') return cells;
  }
  return null;
}
