import pg from 'pg';
import { vi } from 'vitest';

const tries = 5;

/**
 * Counts the statements that the work sends to the database, also Prisma's. The work is done a few times and the smallest count is taken, because
 * callbacks that the server applies meanwhile send statements too.
 */
export async function countStatements(work: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let count = 0; count < tries; count += 1) least = Math.min(least, await countOnce(work));
  return least;
}

async function countOnce(work: () => Promise<unknown>): Promise<number> {
  // Not `Client.prototype.query`: connections that are open already keep the method that they had.
  const sent = vi.spyOn(pg.Query.prototype, 'submit');
  try {
    await work();
    return sent.mock.calls.length;
  } finally {
    sent.mockRestore();
  }
}
