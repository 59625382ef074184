import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import type { DeathAt } from '../../src/failpoints.ts';
import { freePort } from '../support/free-port.ts';
import { checkBooks, unsettled } from './books.ts';
import { openHook } from './hook.ts';
import { MortalServer, stripeKeys } from './server.ts';
import { type Answers, confirmCard, Shop } from './shop.ts';

export type CrashRun = {
  readonly failpoint: Failpoint;
  readonly kills: number;
  /** The time from the last restart until everything was final, without client calls. */
  readonly settledMs: number;
  readonly payments: number;
  /** The differences; empty when everything is correct. */
  readonly complaints: readonly string[];
};

/** The maximum time until everything is final after the last restart. */
export const settledMsMax = 120_000;
/** A failpoint that is not reached within this time is placed wrongly. */
const lifeMsMax = 180_000;
const shopsMax = 3;
/** A server dies at this passing of a failpoint at the latest. Deaths at later ones find messages in every state. */
const passingsMax = 3;
const pollMs = 250;
/** The delays between two tries of a callback. They outlast the kills of a slow machine, and are shorter than `settledMsMax`. */
export const callbackDelaysMs = [500, 1000, 2000, 5000, 10_000, ...Array<number>(60).fill(20_000)];

/**
 * Kills the server several times at a failpoint while shops use it, restarts it a last time, stops all client calls, and compares its state with
 * the provider's ledger, and its log with what the merchant's webhook endpoint got.
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
  await sandbox.control('/control/webhooks', { url: webhookUrl, retryDelaysMs: callbackDelaysMs });
  const server = new MortalServer({ databaseUrl, dataDir, port, sandboxUrl: sandbox.url });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const hook = await openHook();
  try {
    await server.start(null);
    await hook.register(server);
    await server.stop();
    const revive = async () => {
      await hook.endLeases(pool);
      await server.start(deathOf(failpoint, server.deaths));
    };
    const answers = await killAgainAndAgain(server, sandbox, { failpoint, kills, revive });
    await server.start(null);
    const settledMs = await settle(pool, sandbox);
    // It works after all of this, and where every life ended before the first commit there is something to compare.
    await new Shop(server, sandbox, new AbortController().signal).sell('after the kills');
    await settle(pool, sandbox);
    const complaints = [...(await checkBooks(pool, sandbox, answers)), ...(await hook.check(pool))];
    if (settledMs > settledMsMax) complaints.unshift(`not final after ${settledMsMax} ms: ${await unsettled(pool)}`);
    const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from payments');
    return { failpoint, kills: server.deaths, settledMs, payments: rows[0]?.count ?? 0, complaints };
  } finally {
    await server.stop();
    await hook.close();
    await pool.end();
    await sandbox.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * A server passes the failpoints of webhooks for every message. If it died at the first passing always, the same message would be repeated, and
 * no other one would be on its way.
 */
function deathOf(name: Failpoint, deaths: number): DeathAt {
  return { name, passing: name.startsWith('webhook.') ? 1 + (deaths % passingsMax) : 1 };
}

type Killing = { readonly failpoint: Failpoint; readonly kills: number; readonly revive: () => Promise<void> };

async function killAgainAndAgain(
  server: MortalServer,
  sandbox: Sandbox,
  { failpoint, kills, revive }: Killing,
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
      await revive();
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

/** The kind of sale that passes the failpoint. */
function trade(shop: Shop, failpoint: Failpoint, name: string): Promise<void> {
  if (failpoint.startsWith('capture')) return shop.hold(name);
  if (failpoint.startsWith('close') || failpoint.startsWith('review')) return shop.cancel(name);
  return shop.sell(name);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/**
 * Waits until no work is in progress, and no callback is to come, while buyers continue to pay open payments. A callback may be the first word of
 * money that came after its payment had ended. Returns the duration.
 */
export async function settle(pool: pg.Pool, sandbox: Sandbox): Promise<number> {
  const startedMs = Date.now();
  for (;;) {
    const settledMs = Date.now() - startedMs;
    if (settledMs > settledMsMax) return settledMs;
    if (!(await hasCallbacksToCome(sandbox)) && (await unsettled(pool)) === '') return settledMs;
    for (const { status, client_secret: secret } of sandbox.ledger().stripe.paymentIntents) {
      if (status === 'requires_payment_method') await confirmCard(sandbox, String(secret));
    }
    await delay(pollMs);
  }
}

async function hasCallbacksToCome(sandbox: Sandbox): Promise<boolean> {
  const answer = await sandbox.request({ method: 'GET', path: '/control/deliveries' });
  if (typeof answer === 'string') throw new Error(`The sandbox was asked for its deliveries: ${answer}`);
  const { deliveries } = JSON.parse(answer.body.toString()) as { deliveries: readonly { state: string }[] };
  return deliveries.some(({ state }) => state === 'pending' || state === 'held');
}
