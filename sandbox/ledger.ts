import { type Change, type Entry, type Journal, memoryJournal, openJournal } from './journal.ts';

type Row = { readonly id: string };

/** Rows of one kind by id, oldest first. Rows are values: change one by putting another under its id. */
export interface Table<R extends Row> {
  get(id: string): R | undefined;
  all(): IterableIterator<R>;
  put(row: R): R;
  delete(id: string): void;
}

type Act = { readonly changes: Change[]; readonly undo: (() => void)[]; readonly afterCommit: (() => void)[] };

/** The journal is rewritten at start when it holds this many times more changes than there are rows. */
const bloatMax = 3;

/**
 * What the providers know: tables in memory, every change of them in the journal before anybody hears of it. All writing
 * happens inside `transact`, synchronously, so there is no concurrency to think about.
 */
export class Ledger {
  #tables = new Map<string, Map<string, Row>>();
  #journal: Journal;
  #act: Act | null = null;
  #lastNumber = 0;

  constructor(dir: string | null) {
    let changes = 0;
    this.#journal =
      dir === null
        ? memoryJournal
        : openJournal(dir, (entry) => {
            changes += entry.changes.length;
            this.#replay(entry);
          });
    const rows = [...this.#tables.values()].reduce((sum, table) => sum + table.size, 0);
    if (changes > 1000 && changes > rows * bloatMax) this.#journal.rewrite(this.#everything());
  }

  /** A number never given before, also not before a restart. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  table<R extends Row>(name: string): Table<R> {
    const rows = this.#rowsOf(name) as Map<string, R>; // a name is asked for with one row type only
    return {
      get: (id) => rows.get(id),
      all: () => rows.values(),
      put: (row) => {
        this.#change(name, row.id, row);
        return row;
      },
      delete: (id) => this.#change(name, id, null),
    };
  }

  /** Runs `work` and keeps what it changed as one entry; when it throws, nothing was changed. Joins an act under way. */
  transact<T>(work: () => T): T {
    if (this.#act) return work();
    const act: Act = { changes: [], undo: [], afterCommit: [] };
    this.#act = act;
    try {
      const result = work();
      if (act.changes.length > 0) this.#journal.append({ lastNumber: this.#lastNumber, changes: act.changes });
      this.#act = null;
      for (const tell of act.afterCommit) tell();
      return result;
    } catch (error) {
      if (this.#act === act) for (const undo of act.undo.reverse()) undo();
      throw error;
    } finally {
      this.#act = null;
    }
  }

  /** Runs once what is being done is kept; never, when it fails. */
  afterCommit(tell: () => void): void {
    if (this.#act) this.#act.afterCommit.push(tell);
    else tell();
  }

  close(): void {
    this.#journal.close();
  }

  #change(table: string, id: string, row: Row | null): void {
    const act = this.#act;
    if (!act) throw new Error(`${table}/${id} was changed outside of Ledger.transact`);
    const rows = this.#rowsOf(table);
    const before = rows.get(id);
    act.undo.push(() => (before ? rows.set(id, before) : rows.delete(id)));
    act.changes.push({ table, id, row });
    if (row) rows.set(id, row);
    else rows.delete(id);
  }

  #replay(entry: Entry): void {
    this.#lastNumber = entry.lastNumber;
    for (const { table, id, row } of entry.changes) {
      if (row) this.#rowsOf(table).set(id, row as Row);
      else this.#rowsOf(table).delete(id);
    }
  }

  #rowsOf(name: string): Map<string, Row> {
    const known = this.#tables.get(name);
    if (known) return known;
    const fresh = new Map<string, Row>();
    this.#tables.set(name, fresh);
    return fresh;
  }

  *#rows(): Generator<Change> {
    for (const [table, rows] of this.#tables) for (const row of rows.values()) yield { table, id: row.id, row };
  }

  #everything(): Entry[] {
    const lastNumber = this.#lastNumber;
    return [{ lastNumber, changes: [] }, ...Array.from(this.#rows(), (change) => ({ lastNumber, changes: [change] }))];
  }
}
