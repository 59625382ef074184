import pg from 'pg';
import { vi } from 'vitest';

/** Counts all statements that reach the database, also Prisma's. */
export async function countStatements(work: () => Promise<unknown>): Promise<number> {
  // Not `Client.prototype.query`: connections that are open already keep the method that they had.
  const sent = vi.spyOn(pg.Query.prototype, 'submit');
  try {
    await work();
    return sent.mock.calls.length;
  } finally {
    sent.mockRestore();
  }
}
