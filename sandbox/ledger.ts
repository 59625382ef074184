import { type Change, type Entry, type Journal, memoryJournal, openJournal } from './journal.ts';

type Row = { readonly id: string };

/** Rows of one kind by id, oldest first. Rows are immutable: `put` a new row with the same id to change one. */
export interface Table<R extends Row> {
  get(id: string): R | undefined;
  all(): IterableIterator<R>;
  put(row: R): R;
  delete(id: string): void;
}

type Transaction = { readonly changes: Change[]; readonly undo: (() => void)[]; readonly afterCommit: (() => void)[] };

/** The journal is compacted at start when it holds more than this many changes for each row. */
const bloatMax = 3;

/**
 * The state of all simulated providers: tables in memory, with every change in the journal before a response is sent. Writes
 * happen inside `transact` and are synchronous, so transactions never run concurrently.
 */
export class Ledger {
  #tables = new Map<string, Map<string, Row>>();
  #journal: Journal;
  #transaction: Transaction | null = null;
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

  /** Returns a number that is unique across restarts. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  table<R extends Row>(name: string): Table<R> {
    const rows = this.#rowsOf(name) as Map<string, R>; // each table name is used with one row type
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

  /** Commits the changes of `work` as one entry; rolls them back when it throws. Inside a transaction, it joins that one. */
  transact<T>(work: () => T): T {
    if (this.#transaction) return work();
    const transaction: Transaction = { changes: [], undo: [], afterCommit: [] };
    this.#transaction = transaction;
    try {
      const result = work();
      if (transaction.changes.length > 0)
        this.#journal.append({ lastNumber: this.#lastNumber, changes: transaction.changes });
      this.#transaction = null;
      for (const listener of transaction.afterCommit) listener();
      return result;
    } catch (error) {
      if (this.#transaction === transaction) for (const undo of transaction.undo.reverse()) undo();
      throw error;
    } finally {
      this.#transaction = null;
    }
  }

  /** Runs `listener` after the current transaction commits; never after a rollback; at once without a transaction. */
  afterCommit(listener: () => void): void {
    if (this.#transaction) this.#transaction.afterCommit.push(listener);
    else listener();
  }

  close(): void {
    this.#journal.close();
  }

  #change(table: string, id: string, row: Row | null): void {
    const transaction = this.#transaction;
    if (!transaction) throw new Error(`${table}/${id} was changed outside of Ledger.transact`);
    const rows = this.#rowsOf(table);
    const before = rows.get(id);
    transaction.undo.push(() => (before ? rows.set(id, before) : rows.delete(id)));
    transaction.changes.push({ table, id, row });
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
