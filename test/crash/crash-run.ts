import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import { checkBooks, unsettled } from './books.ts';
import { freePort, MortalServer, stripeKeys } from './server.ts';
import { type Answers, confirmCard, Shop } from './shop.ts';

export type CrashRun = {
  readonly failpoint: Failpoint;
  readonly kills: number;
  /** From the last restart until everything was final, without a client. */
  readonly settledMs: number;
  readonly payments: number;
  /** What is wrong; empty when nothing is. */
  readonly complaints: readonly string[];
};

/** How long everything may take to become final once the server is back. */
const settledMsMax = 60_000;
/** A failpoint that is not reached in this time is not where it is said to be. */
const lifeMsMax = 90_000;
const shopsMax = 3;
const pollMs = 250;

/**
 * Kills the server at a failpoint so many times while shops are busy with it, starts it a last time, lets no client ask any more, and
 * compares what it holds with the provider's books.
 */
export async function runCrashes(failpoint: Failpoint, kills: number, databaseUrl: string): Promise<CrashRun> {
  const dataDir = mkdtempSync(join(tmpdir(), 'paystream-crash-'));
  const port = await freePort();
  const { secretKey, publishableKey, webhookSecret } = stripeKeys;
  const webhookUrl = `http://127.0.0.1:${port}/webhooks/stripe`;
  const sandbox = await startSandbox({
    ...{ port: 0, dataDir: null },
    stripe: { secretKey, publishableKey, webhookSecret, webhookUrl },
  });
  await sandbox.control('/control/webhooks', {
    url: webhookUrl,
    retryDelaysMs: [500, 1000, 2000, 5000, 10_000, 20_000],
  });
  const server = new MortalServer({ databaseUrl, dataDir, port, sandboxUrl: sandbox.url });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  try {
    const answers = await killAgainAndAgain(server, sandbox, failpoint, kills);
    await server.start(null);
    const settledMs = await settle(pool, sandbox);
    const complaints = await checkBooks(pool, sandbox, answers);
    if (settledMs > settledMsMax) complaints.unshift(`not final after ${settledMsMax} ms: ${await unsettled(pool)}`);
    const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from payments');
    return { failpoint, kills: server.deaths, settledMs, payments: rows[0]?.count ?? 0, complaints };
  } finally {
    await server.stop();
    await pool.end();
    await sandbox.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function killAgainAndAgain(
  server: MortalServer,
  sandbox: Sandbox,
  failpoint: Failpoint,
  kills: number,
): Promise<Answers> {
  const closing = new AbortController();
  const shop = new Shop(server, sandbox, closing.signal);
  const shops = Promise.allSettled(
    Array.from({ length: shopsMax }, async (_, number) => {
      for (let sale = 0; !closing.signal.aborted; sale += 1) await trade(shop, failpoint, `${number}-${sale}`);
    }),
  );
  try {
    while (server.deaths < kills) {
      await server.start(failpoint);
      const isKilled = await Promise.race([
        server.ended(),
        delay(lifeMsMax, 'never' as const, { signal: closing.signal }),
      ]);
      if (isKilled === 'never') throw new Error(`${failpoint} was not reached within ${lifeMsMax} ms.`);
      if (!isKilled) throw new Error('The server ended by itself.');
    }
  } finally {
    closing.abort();
    server.release();
  }
  const outcomes = await shops;
  const failure = outcomes.find((outcome) => outcome.status === 'rejected' && !isAbort(outcome.reason));
  if (failure?.status === 'rejected') throw failure.reason;
  return shop.answers;
}

/** The kind of sale that comes past the failpoint. */
function trade(shop: Shop, failpoint: Failpoint, name: string): Promise<void> {
  if (failpoint.startsWith('capture')) return shop.hold(name);
  if (failpoint.startsWith('close') || failpoint.startsWith('review')) return shop.cancel(name);
  return shop.sell(name);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Waits until nothing is under way any more, while buyers go on paying what lies open. Returns how long it took. */
async function settle(pool: pg.Pool, sandbox: Sandbox): Promise<number> {
  const startedMs = Date.now();
  for (;;) {
    const settledMs = Date.now() - startedMs;
    if (settledMs > settledMsMax || (await unsettled(pool)) === '') return settledMs;
    for (const { status, client_secret: secret } of sandbox.ledger().stripe.paymentIntents) {
      if (status === 'requires_payment_method') await confirmCard(sandbox, String(secret));
    }
    await delay(pollMs);
  }
}
