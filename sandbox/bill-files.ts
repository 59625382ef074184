import { ControlError, type Json, optionalWholeNumber } from './control-input.ts';

/** A bill with this many invented rows instead of real payments or beside them, for tests of size. `id` is its date. */
export type SyntheticBillRow = { readonly id: string; readonly rows: number };

const chunkCharacters = 65_536;

/** The lines of a bill in chunks of bytes, so that a large bill is never in memory as a whole. */
export function* encodedChunks(lines: Iterable<string>, encode: (text: string) => Buffer): Generator<Buffer> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < chunkCharacters) continue;
    yield encode(text);
    text = '';
  }
  yield encode(text);
}

/** The `rows` of a synthetic bill that the console asks for. @throws {ControlError} */
export function readSyntheticRows(json: Json, max: number): number {
  const rows = optionalWholeNumber(json, 'rows', 0, max);
  if (rows === undefined) throw new ControlError(400, 'rows is missing: it must be a whole number.');
  return rows;
}
