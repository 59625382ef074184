import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { passAll } from '../../src/domain/failpoint.ts';
import { newId } from '../../src/domain/ids.ts';
import type { Log } from '../../src/domain/log.ts';
import { type Delivery, receiverLeaseMs } from '../../src/events/inbox.ts';
import { logOfRequest } from '../../src/logging/request-log.ts';
import type { CommandContext } from '../../src/provider-calls/context.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';
import { appliedAtOnceMax, createCallbackIntake, heldMax, heldOfAccountMax } from '../../src/worker/callback-intake.ts';
import { openTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const receivedAt = new Date('2026-01-01T00:00:00Z');
/** The accounts of the deliveries that have begun, and the function that lets all of them end. */
let begun: string[] = [];
let letAllEnd = () => {};
let now = receivedAt;
beforeEach(() => {
  begun = [];
  now = receivedAt;
});

const fails = (fields: object) => expect(fields).toEqual('no such line');
/** The log of a request. */
const log: Log = { info() {}, warn() {}, error: fails };
/** The log of the whole server, to which no delivery belongs. */
const serverLog: Log = { info: fails, warn: fails, error: fails };

/** An intake whose deliveries are of no interest: applying one stores that it is ignored, which waits until the test goes on. */
function startIntake(isReadable = true) {
  const mayEnd = new Promise<void>((resolve) => {
    letAllEnd = resolve;
  });
  const query = async (text: string, values: unknown[]) => {
    await mayEnd;
    return database.pool.query(text, values);
  };
  const provider = {
    readWebhook(body: Buffer) {
      begun.push(body.toString());
      if (!isReadable) throw new Error('It cannot be read.');
      return { kind: 'ignored', reason: 'of no interest' };
    },
    redactWebhook: (body: Buffer) => body,
  };
  return createCallbackIntake({
    db: { ...database, pool: { query } },
    ...{ accounts: { find: () => provider }, clock: { now: () => now }, failpoint: passAll },
    log: serverLog,
  } as unknown as CommandContext);
}

function deliveryTo(account: string): Delivery {
  return {
    ...{ id: newId('delivery'), provider: 'P', providerAccount: account, eventId: 'e', eventType: 't' },
    ...{ body: Buffer.from(account), receivedAt, applyAttempts: 1 },
  };
}

test('an account whose deliveries take long delays its own next ones, and none of another account', async () => {
  const intake = startIntake();
  const ofSlow = appliedAtOnceMax + 4;
  for (let count = 0; count < ofSlow; count += 1) intake.apply({ delivery: deliveryTo('slow'), isClaimed: true, log });
  intake.apply({ delivery: deliveryTo('other'), isClaimed: true, log });
  await new Promise(setImmediate);
  expect(begun.filter((account) => account === 'slow')).toHaveLength(appliedAtOnceMax);
  expect(begun).toContain('other');
  letAllEnd();
  await intake.idle();
  expect(begun).toHaveLength(ofSlow + 1);
});

test('an account whose deliveries take long leaves places for those of another account', async () => {
  const intake = startIntake();
  const named = (account: string) => ({ name: 'P', account, webhookHeaders: [] }) as unknown as PaymentProvider;
  let count = 0;
  const receiveFor = async (account: string) => {
    count += 1;
    const provider = {
      ...named(account),
      verifyWebhook: () => ({ eventId: `e${count}`, eventType: 't' }),
      redactWebhook: (body: Buffer) => body,
    };
    const received = await intake.receive(
      provider as never,
      { headers: {}, body: Buffer.from(account), receivedAt },
      log,
    );
    if (received === null) throw new Error('It is new.');
    intake.apply(received);
    return received.isClaimed;
  };
  for (let each = 0; each < heldOfAccountMax; each += 1) expect(await receiveFor('slow')).toBe(true);
  expect(await receiveFor('slow')).toBe(false);
  expect(await receiveFor('other')).toBe(true);
  expect(begun).toContain('other');
  letAllEnd();
  await intake.idle();
  expect(await receiveFor('slow')).toBe(true);
  await intake.idle();
});

test('each delivery is logged by the log of its own request, also one that was held', async () => {
  const intake = startIntake(false);
  const lines: unknown[] = [];
  const note: Log = { info() {}, warn() {}, error: (fields) => lines.push(fields) };
  const deliveries = Array.from({ length: appliedAtOnceMax + 4 }, () => deliveryTo('slow'));
  for (const delivery of deliveries)
    intake.apply({ delivery, isClaimed: true, log: logOfRequest(note, `of ${delivery.id}`) });
  letAllEnd();
  await intake.idle();
  const told = deliveries.map(({ id }) => ({ requestId: `of ${id}`, err: expect.any(Error), deliveryId: id }));
  expect(lines).toEqual(told);
});

test('a delivery that has waited for longer than its lease is left to the sweep', async () => {
  const intake = startIntake();
  for (let count = 0; count < appliedAtOnceMax + 4; count += 1)
    intake.apply({ delivery: deliveryTo('slow'), isClaimed: true, log });
  now = new Date(receivedAt.getTime() + receiverLeaseMs);
  letAllEnd();
  await intake.idle();
  expect(begun).toHaveLength(appliedAtOnceMax);
  intake.apply({ delivery: deliveryTo('slow'), isClaimed: false, log });
  await intake.idle();
  expect(begun).toHaveLength(appliedAtOnceMax);
  expect(heldMax).toBeGreaterThan(heldOfAccountMax);
  expect(heldOfAccountMax).toBeGreaterThan(appliedAtOnceMax);
});
