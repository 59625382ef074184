import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { newId } from '../../src/domain/ids.ts';
import {
  logStart,
  readLogTail,
  readMerchantNewest,
  readMerchantNews,
  readOrderNewest,
  readOrderNews,
} from '../../src/events/log.ts';
import { findKeyHolders } from '../../src/store/api-key-store.ts';
import { findCardBuyers } from '../../src/store/card-failure-store.ts';
import type { Intent } from '../../src/store/idempotency-store.ts';
import { loadBatch } from '../../src/store/order-batch.ts';
import { findPayments } from '../../src/store/payment-store.ts';
import { findOwners } from '../../src/store/provider-account-store.ts';
import { openTestDatabase } from '../support/database.ts';
import { explain, onPlannedByKey } from '../support/explain.ts';

// The plan of a prepared statement is made once, also when the tables are still empty.
let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const [merchantId, orderId] = [newId('merchant'), newId('order')];
const intent: Intent = { merchantId, owner: 'MERCHANT', operation: 'payOrder', key: 'k', inputHash: 'h' };
type On = Parameters<typeof findPayments>[0];
const statements: readonly [what: string, run: (on: On) => Promise<unknown>][] = [
  ['the holders of API keys', (on) => findKeyHolders(on, [Buffer.alloc(32)])],
  ['the owners of accounts', (on) => findOwners(on, [merchantId])],
  ['who pays by card', (on) => findCardBuyers(on, [{ intent, orderId }])],
  ['payments', (on) => findPayments(on, [newId('payment')])],
  [
    'a batch of orders',
    (on) =>
      loadBatch(on as pg.PoolClient, {
        ...{ orderIds: [orderId], intents: [intent], deliveryIds: [newId('delivery')] },
        numbers: [{ merchantId, number: '1' }],
      }),
  ],
  ['the news of a merchant', (on) => readMerchantNews(on, merchantId, logStart)],
  ['the newest events of a merchant', (on) => readMerchantNewest(on, merchantId, logStart, 100)],
  ['the news of an order', (on) => readOrderNews(on, merchantId, orderId, logStart)],
  ['the newest events of an order', (on) => readOrderNewest(on, merchantId, orderId, 100)],
  ['the end of the log', (on) => readLogTail(on, logStart, 100)],
];

test.each(statements)('%s are found by an index, also with a plan from before the first row', async (_what, run) => {
  const scanned: string[] = [];
  const explaining = {
    query: async (statement: { name: string; text: string; values: unknown[] }) => {
      const steps = await onPlannedByKey(database, (on) => explain(on, statement));
      for (const { 'Node Type': type, 'Relation Name': table } of steps) {
        if (type === 'Seq Scan' && table !== 'log_state') scanned.push(`${table}`);
      }
      return database.writes.query(statement);
    },
  };
  await run(explaining as unknown as On);
  expect(scanned).toEqual([]);
});
