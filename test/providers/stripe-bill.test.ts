import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { BillUnreadableError } from '../../src/providers/bill.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { linesIn } from './bill-files.ts';

const paymentId = newId('payment');
const refundId = newId('refund');
const created = Date.parse('2026-11-21T12:00:00Z') / 1000;

const charge = (facts: object = {}) => ({
  ...{ object: 'charge', id: 'ch_1', amount: 2500, amount_captured: 2500, currency: 'eur', payment_intent: 'pi_1' },
  ...{ metadata: { payment_id: paymentId }, ...facts },
});
const refund = (facts: object = {}) => ({
  ...{
    object: 'refund',
    id: 're_1',
    amount: 700,
    currency: 'eur',
    created,
    status: 'succeeded',
    payment_intent: 'pi_1',
  },
  ...{ metadata: { refund_id: refundId, payment_id: paymentId }, balance_transaction: 'txn_2', ...facts },
});
const movement = (id: string, type: string, source: unknown) => ({
  // What the balance is kept in: another currency than the buyer paid in.
  ...{ object: 'balance_transaction', id, type, created, amount: 2711, currency: 'usd', source },
});

/** Stripe's list, in the pages given; and what was asked for. */
async function open(pages: readonly (readonly object[])[]) {
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const data = pages[asked.length] ?? [];
    asked.push(new URL(request.url ?? '', 'http://stripe.test').searchParams);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ object: 'list', data, has_more: asked.length < pages.length }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const provider = createStripeProvider({
    ...{ secretKey: 'sk_test_bill', publishableKey: 'pk_test_bill', webhookSecrets: ['whsec_bill_test'] },
    account: 'acct_bill.test',
    ...{ apiBase: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, now: () => new Date() },
  });
  return { asked, read: () => linesIn(provider.readBill('2026-11-21', new AbortController().signal)), provider };
}

test('the day is UTC’s, page after page, and what is neither a payment nor a refund is left out', async () => {
  const { asked, read } = await open([
    [movement('txn_3', 'payout', null), movement('txn_2', 'refund', refund())],
    [movement('txn_1', 'charge', charge()), movement('txn_0', 'stripe_fee', null)],
  ]);
  expect(await read()).toEqual([
    {
      ...{ kind: 'refund', merchantNumber: refundId, paymentNumber: paymentId, providerPaymentId: 'pi_1' },
      ...{ providerRefundId: 're_1', amountMinor: 700n, currency: 'EUR', status: 'SUCCEEDED' },
      at: new Date('2026-11-21T12:00:00Z'),
    },
    {
      ...{ kind: 'payment', merchantNumber: paymentId, paymentNumber: null, providerPaymentId: 'pi_1' },
      ...{ providerRefundId: null, amountMinor: 2500n, currency: 'EUR', status: 'SUCCEEDED' },
      at: new Date('2026-11-21T12:00:00Z'),
    },
  ]);
  const from = String(Date.parse('2026-11-21T00:00:00Z') / 1000);
  const until = String(Date.parse('2026-11-22T00:00:00Z') / 1000);
  expect(asked.map((query) => [query.get('created[gte]'), query.get('created[lt]')])).toEqual([
    [from, until],
    [from, until],
  ]);
  expect(asked.map((query) => query.get('starting_after'))).toEqual([null, 'txn_2']);
});

test('what was captured counts, in our minor units, and a refund as it is now', async () => {
  const { read } = await open([
    [
      movement('txn_1', 'charge', charge({ amount_captured: 1000 })),
      movement(
        'txn_2',
        'payment',
        charge({ currency: 'isk', amount_captured: 50_000, payment_intent: { id: 'pi_2' } }),
      ),
      movement('txn_3', 'refund', refund({ status: 'failed', metadata: {} })),
      movement('txn_4', 'payment_refund', refund({ status: null })),
    ],
  ]);
  expect(await read()).toMatchObject([
    { kind: 'payment', amountMinor: 1000n },
    { kind: 'payment', amountMinor: 500n, currency: 'ISK', providerPaymentId: 'pi_2' },
    { kind: 'refund', status: 'FAILED', merchantNumber: null },
    { kind: 'refund', status: 'PENDING' },
  ]);
});

test('a charge that is none of ours has no number of ours', async () => {
  const { read } = await open([[movement('txn_1', 'charge', charge({ metadata: { payment_id: 'SHOP-1' } }))]]);
  expect(await read()).toMatchObject([{ merchantNumber: null, providerPaymentId: 'pi_1' }]);
});

test.each<[what: string, source: unknown, type: string]>([
  ['that was not expanded', 'ch_1', 'charge'],
  ['in a currency that there is not', charge({ currency: 'xxx' }), 'charge'],
  ['in a state that is not known', refund({ status: 'reconsidering' }), 'refund'],
])('a movement %s stops the reading by its name', async (_, source, type) => {
  const { read } = await open([[movement('txn_7', type, source)]]);
  const reading = read();
  await expect(reading).rejects.toThrow(BillUnreadableError);
  await expect(reading).rejects.toThrow(/txn_7/);
});

test('only a day that there is is a day', async () => {
  const { provider } = await open([]);
  expect(provider.billDay('2028-02-29').until).toEqual(new Date('2028-03-01T00:00:00Z'));
  expect(() => provider.billDay('2026-02-29')).toThrow(RangeError);
  expect(() => provider.billDay('2026-2-9')).toThrow(RangeError);
});
