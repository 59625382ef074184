import { type NumberedLine, unreadable } from '../bill-file.ts';

type Cells = readonly string[];

/** A row of Alipay's list, its cells without the tabs that Alipay puts behind them; null for a comment and a blank line. */
export type Row = NumberedLine & { readonly cells: Cells | null };

const commentMark = '#';
const rowCharactersMax = 64 * 1024;

/**
 * The rows of comma-separated values, of which nobody says whether a quote is one. So a line that has as many cells as the header when it
 * is cut at every comma is cut there, and a quote in it is a character of a name. Only where that does not come out do quotes count: those
 * that begin a cell, and hold commas and line breaks together. A line that comes out and yet ends within quotes may be the first part of a
 * row whose last cell has a line break: it is, unless what follows is a row or a comment of its own.
 *
 * @throws {BillUnreadableError} when a quote has no end and its row does not come out without it.
 */
export async function* rowsOf(chunks: AsyncIterable<readonly NumberedLine[]>): AsyncGenerator<readonly Row[]> {
  let width: number | null = null;
  /** What ends within quotes; its cells, where it comes out all the same. */
  let begun: Row | null = null;
  for await (const lines of chunks) {
    const rows: Row[] = [];
    for (const line of lines) {
      if (begun?.cells && (isNoRow(line.text) || plainCellsOf(line.text, width) !== null)) {
        rows.push(begun);
        begun = null;
      }
      const text: string = begun === null ? line.text : `${begun.text}\n${line.text}`;
      const number: number = begun === null ? line.number : begun.number;
      if (begun === null && isNoRow(text)) {
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
      // One that does not come out either way is told as it stands, for its reader to say what is wrong with it.
      const cells: Cells = plain ?? quoted ?? cutAtCommas(text);
      width ??= cells.length;
      rows.push({ number, text, cells });
    }
    yield rows;
  }
  if (begun === null) return;
  if (begun.cells === null) throw unreadable(begun.number, 'a quote in it has no end');
  yield [begun];
}

function isNoRow(text: string): boolean {
  return text.startsWith(commentMark) || text.trim() === '';
}

/** The cells of a line that has as many as it should when it is cut at every comma; null when it has not. */
function plainCellsOf(text: string, width: number | null): Cells | null {
  const cells = cutAtCommas(text);
  return width === null || cells.length === width ? cells : null;
}

function cutAtCommas(text: string): Cells {
  return text.split(',').map((given) => {
    const cell = given.trim();
    return /^"[^"]*"$/.test(cell) ? cell.slice(1, -1).trim() : cell;
  });
}

/** The cells of a text in which quotes count; `open` when it ends within quotes, null when something stands behind a quote's end. */
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
