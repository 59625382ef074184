import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openReceiver, openRig, paidIntent, type Rig, tenDollars } from './rig.ts';

function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sandbox-journal-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function ledger(rig: Rig): Promise<unknown> {
  return (await rig.control('GET', '/ledger')).json;
}

test('the state survives a restart', async () => {
  const dataDir = freshDir();
  const before = await openRig({ dataDir });
  const paid = await paidIntent(before);
  await before.stripe.refunds.create({ payment_intent: paid.id, amount: 100 });
  await before.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'kept' });
  await before.control('POST', '/clock', { advanceMs: 3_600_000 });
  const [truth, events] = [await ledger(before), (await before.control('GET', '/events')).json];
  const { offsetMs } = (await before.control('GET', '/clock')).json;
  await before.close();
  const after = await openRig({ dataDir, seed: 1 });
  expect(await ledger(after)).toEqual(truth);
  expect((await after.control('GET', '/events')).json).toEqual(events);
  expect((await after.control('GET', '/clock')).json.offsetMs).toBe(offsetMs);
  const replayed = await after.stripe.paymentIntents.create(tenDollars, { idempotencyKey: 'kept' });
  expect(replayed.lastResponse.headers['idempotent-replayed']).toBe('true');
  const fresh = await after.stripe.paymentIntents.create(tenDollars);
  expect(JSON.stringify(truth)).not.toContain(fresh.id); // the same seed, but never the same id again
});

test('a truncated last line is dropped, and new lines follow the complete ones', async () => {
  const dataDir = freshDir();
  const before = await openRig({ dataDir });
  const intent = await before.stripe.paymentIntents.create(tenDollars);
  await before.close();
  const file = join(dataDir, 'ledger.jsonl');
  appendFileSync(file, '{"lastNumber":99,"changes":[{"table":"stripe_paym');
  const torn = await openRig({ dataDir });
  expect((await torn.stripe.paymentIntents.list()).data.map(({ id }) => id)).toEqual([intent.id]);
  await torn.stripe.paymentIntents.create(tenDollars);
  await torn.close();
  const after = await openRig({ dataDir });
  expect((await after.stripe.paymentIntents.list()).data).toHaveLength(2);
});

test('an invalid line in the middle stops the start and is named', async () => {
  const dataDir = freshDir();
  const before = await openRig({ dataDir });
  await before.stripe.paymentIntents.create(tenDollars);
  await before.close();
  const file = join(dataDir, 'ledger.jsonl');
  writeFileSync(file, `garbage\n${readFileSync(file, 'utf8')}`);
  await expect(openRig({ dataDir })).rejects.toThrow(/ledger\.jsonl line 1 is not JSON/);
});

test('an unacknowledged delivery is retried after a restart', async () => {
  const dataDir = freshDir();
  const receiver = await openReceiver();
  receiver.answerWith = () => 500;
  const before = await openRig({ dataDir, receiver });
  await before.stripe.paymentIntents.create(tenDollars);
  await expect
    .poll(async () => (await before.control('GET', '/deliveries')).json.deliveries[0].attempts.length)
    .toBe(1);
  await before.close();
  receiver.answerWith = () => 200;
  const after = await openRig({ dataDir, receiver });
  await after.control('POST', '/clock', { advanceMs: 10_000 });
  await expect.poll(async () => (await after.control('GET', '/deliveries')).json.deliveries[0].state).toBe('delivered');
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
});

test('tasks that were scheduled before a restart run after it', async () => {
  const dataDir = freshDir();
  const before = await openRig({ dataDir });
  const { id } = await before.stripe.paymentIntents.create(tenDollars);
  await before.control('POST', '/faults', { fault: 'success_after_close', ms: 3_600_000 });
  await before.stripe.paymentIntents.cancel(id);
  await before.close();
  const after = await openRig({ dataDir });
  expect((await after.stripe.paymentIntents.retrieve(id)).status).toBe('canceled');
  await after.control('POST', '/clock', { advanceMs: 3_600_000 });
  expect((await after.stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
});

test('no card number is stored', async () => {
  const dataDir = freshDir();
  const rig = await openRig({ dataDir });
  const intent = await rig.stripe.paymentIntents.create(tenDollars);
  await rig.confirm(intent, {
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': '4111111111111111',
    'payment_method_data[card][cvc]': '987',
  });
  expect(readFileSync(join(dataDir, 'ledger.jsonl'), 'utf8')).not.toContain('4111111111111111');
});
