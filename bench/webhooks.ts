import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { developmentMasterKeys } from '../src/accounts/master-key.ts';
import { onlyAccounts } from '../src/accounts/provider-accounts.ts';
import { newWebhookSecret, sealWebhookSecrets } from '../src/accounts/webhook-secrets.ts';
import type { Actor } from '../src/commands/actor.ts';
import { createOrder } from '../src/commands/create-order.ts';
import { type Database, openDatabase } from '../src/database/database.ts';
import { systemClock } from '../src/domain/clock.ts';
import { passAll } from '../src/domain/failpoint.ts';
import { newId } from '../src/domain/ids.ts';
import { readLogEnd } from '../src/events/log.ts';
import { createNotifier } from '../src/events/notifications.ts';
import { createOutgoing, endpointsMax } from '../src/outgoing/outgoing-lane.ts';
import { openWebhookTransport } from '../src/outgoing/transport.ts';
import { createLookups } from '../src/store/lookups.ts';
import { insertMerchant } from '../src/store/merchant-store.ts';
import { createOrderWriter } from '../src/store/order-writer.ts';
import { insertWebhookEndpoint } from '../src/store/webhook-endpoint-store.ts';
import { createLane } from '../src/worker/lane.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { makeMigratedDatabase } from './support/database.ts';

/** A thousand endpoints get the same events. One of them never answers. */
export const webhooks: Bench = {
  name: 'webhooks',
  summary: 'events to a thousand endpoints, of which one accepts connections and never answers.',
  limitSummary: 'the same with a thousand endpoints that answer.',
  product: (turn) => measure(turn, true),
  limit: (turn) => measure(turn, false),
};

const masterKeys = developmentMasterKeys('bench');
const log = { info: () => {}, warn: () => {}, error: () => {} };

async function measure(turn: Turn, hasDead: boolean): Promise<Measure[]> {
  const [endpoints, events] = turn.isQuick ? [20, 2] : [1000, 1];
  const db = turn.scope.keep(
    await openDatabase({ databaseUrl: (await makeMigratedDatabase(turn)).url, dataDir: turn.tempDir }),
  );
  const arrivals: number[] = [];
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/dead') return;
    request.on('end', () => {
      arrivals.push(performance.now());
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  turn.scope.keep({
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const merchantId = await prepare(db, endpoints, (index) =>
    hasDead && index === 0 ? `${url}/dead` : `${url}/${index}`,
  );
  const transport = turn.scope.keep(openWebhookTransport({ isProduction: false, allowsLoopback: true }));
  const outgoing = createOutgoing({
    ...{ db, clock: systemClock, log, failpoint: passAll, masterKeys, send: transport.send, chance: Math.random },
    render: async ({ id, type, orderId, sequence }) => JSON.stringify({ type, data: { id, orderId, sequence } }),
  });
  const lane = createLane(
    'webhooks',
    endpointsMax,
    outgoing.claim,
    async (claimed) => void (await outgoing.work(claimed)),
  );
  await outgoing.claim(0);

  turn.say('sending');
  const healthy = hasDead ? endpoints - 1 : endpoints;
  const tookMs: number[] = [];
  for (let event = 0; event < events; event += 1) {
    arrivals.length = 0;
    await makeEvent(db, merchantId);
    const startedMs = performance.now();
    while (arrivals.length < healthy) if (!(await lane.runOnce()).isFull) await delay(5);
    tookMs.push(...arrivals.map((at) => at - startedMs));
  }
  await db.pool.query(
    `update webhook_endpoints set status = 'PAUSED', pause_reason = 'REQUESTED', paused_at = now(), due_at = null`,
  );
  await lane.idle();
  tookMs.sort((a, b) => a - b);
  const share = (of: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(of * tookMs.length))] ?? null;
  return [
    { name: 'a healthy endpoint has an event after, median', unit: 'ms', value: share(0.5) },
    { name: 'a healthy endpoint has an event after, 99 of 100', unit: 'ms', value: share(0.99) },
    { name: 'the last healthy endpoint has it after', unit: 'ms', value: share(1) },
  ];
}

async function prepare(db: Database, endpoints: number, urlOf: (index: number) => string): Promise<string> {
  const merchantId = newId('merchant');
  const createdAt = systemClock.now();
  const merchant = { id: merchantId, name: 'Bench', returnOrigins: ['*'], webOrigins: [], brandColor: null, createdAt };
  await insertMerchant(db, merchant);
  const position = await readLogEnd(db.pool);
  for (let index = 0; index < endpoints; index += 1) {
    const row = { id: newId('webhookEndpoint'), merchantId };
    const sealed = sealWebhookSecrets(row, { current: newWebhookSecret(), previous: null }, masterKeys.current);
    const fields = { url: urlOf(index), description: null, eventTypes: [], ordered: true };
    await insertWebhookEndpoint(db.pool, { ...row, ...fields, ...sealed, ...position, createdAt });
  }
  return merchantId;
}

async function makeEvent(db: Database, merchantId: string): Promise<void> {
  const clock = systemClock;
  const context = {
    ...{ db, clock, log, failpoint: passAll, notifier: createNotifier(), accounts: onlyAccounts(db, []) },
    writer: createOrderWriter({ db, clock, failpoint: passAll }),
    lookups: createLookups(db),
  };
  const actor: Actor = {
    ...{ merchantId, customerId: null, orderId: null, role: 'MERCHANT', id: 'bench', returnOrigins: ['*'] },
  };
  const line = { sku: 'cup', name: 'Cup', quantity: 1, unitAmountMinor: 500n };
  await createOrder(context, actor, { idempotencyKey: newId('order'), currency: 'EUR', lines: [line] });
}
