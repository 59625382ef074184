import type { SandboxContext } from './context.ts';
import type { Table } from './ledger.ts';

/** A task of a provider that runs at `atMs` of the sandbox's clock. `subject` is the id of the row that the task changes. */
type TaskRow<Act extends string> = {
  readonly id: string;
  readonly atMs: number;
  readonly act: Act;
  readonly subject: string;
};

/** A provider's scheduled tasks, such as expiry and delayed refunds. They are kept in the ledger and survive a restart. */
export class ScheduledTasks<Act extends string> {
  #context: Pick<SandboxContext, 'ledger' | 'clock' | 'newId'>;
  #rows: Table<TaskRow<Act>>;
  #run: (act: Act, subject: string) => void;

  /** `run` runs inside a ledger transaction. It must do nothing when the task no longer fits the state of its subject. */
  constructor(
    context: Pick<SandboxContext, 'ledger' | 'clock' | 'newId'>,
    table: string,
    run: (act: Act, subject: string) => void,
  ) {
    this.#context = context;
    this.#rows = context.ledger.table(table);
    this.#run = run;
  }

  /** Must be called inside a ledger transaction. */
  schedule(delayMs: number, act: Act, subject: string): void {
    const { ledger, clock, newId } = this.#context;
    const task = this.#rows.put({ id: newId('task_'), atMs: clock.nowMs() + delayMs, act, subject });
    ledger.afterCommit(() => this.#arm(task));
  }

  /** Schedules the tasks of the ledger again after a restart. */
  resume(): void {
    for (const task of this.#rows.all()) this.#arm(task);
  }

  #arm(task: TaskRow<Act>): void {
    const { ledger, clock } = this.#context;
    clock.at(task.atMs, () =>
      ledger.transact(() => {
        this.#rows.delete(task.id);
        this.#run(task.act, task.subject);
      }),
    );
  }
}
