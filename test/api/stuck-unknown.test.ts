import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOrder, payOrder, readOrder, resolveReview, sweepUntil } from '../support/orders.ts';
import { control, startTestApp, type TestApp } from '../support/test-app.ts';

// Separate from other reviews: this advances the clock by more than a week, and callbacks that are signed today are stale then.
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const fault = (rule: object) => control(app.sandboxUrl, 'faults', rule);
const day = 24 * 60 * 60_000;

/** A payment that was queried for more than a week without an answer. */
async function stuck() {
  const { id: orderId, number } = await createOrder(app, { expiresInSeconds: 604_800 });
  const lost = {
    fault: 'error_500_after',
    match: { operation: 'payment_intents.create', contains: number },
    times: 1,
  };
  await fault(lost);
  await fault({ fault: 'drop', match: { contains: number }, times: 50 });
  await fault({ fault: 'error_500_before', match: { method: 'GET' }, times: 500 });
  await fault({
    fault: 'error_500_before',
    match: { operation: 'payment_intents.create', contains: number },
    times: 500,
  });
  const { id: paymentId } = await payOrder(app, orderId);
  const order = await sweepUntil(app, orderId, ({ needsReview }) => needsReview.includes('STUCK_UNKNOWN'), day / 4);
  expect(order.payments[0]?.nextCheckAt).toBeNull();
  await fetch(`${app.sandboxUrl}/control/faults`, { method: 'DELETE' });
  return { orderId, paymentId };
}

test('an outcome that stays unknown is settled by the findings of a person in the console', async () => {
  const { orderId, paymentId } = await stuck();
  const order = await resolveReview(app, {
    ...{ orderId, reasons: ['STUCK_UNKNOWN'] },
    payments: [{ paymentId, status: 'CANCELED' }],
  });
  expect(order).toMatchObject({ needsReview: [], payments: [{ status: 'EXPIRED' }] });
  expect((await readOrder(app, orderId)).payments).toMatchObject([{ evidence: { source: 'OPERATOR' } }]);
});

test('an outcome that stays unknown is queried again when a person has no findings', async () => {
  const { orderId } = await stuck();
  await resolveReview(app, { orderId, reasons: ['STUCK_UNKNOWN'] });
  const order = await sweepUntil(
    app,
    orderId,
    ({ payments }) => payments[0]?.status !== 'UNKNOWN' && payments[0]?.status !== 'CANCELING',
  );
  expect(order.needsReview).toEqual([]);
});
