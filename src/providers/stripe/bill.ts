import { z } from 'zod';
import { isId } from '../../domain/ids.ts';
import type { BillLine } from '../../domain/reconciliation.ts';
import { type Bill, BillUnreadableError, utcDay } from '../bill.ts';
import { withDeadline } from '../deadline.ts';
import { fromStripeAmount } from './amounts.ts';
import type { StripeClient } from './client.ts';
import { currencyOf, instantOf, paymentIdOf } from './objects.ts';
import { intentIdOf, refundSchema, reportOfRefund } from './refunds.ts';

const pageSize = 100;
const pageDeadlineMs = 30_000;
/** More pages than any day has, so that an endless list is detected. */
const pagesMax = 200_000;

const transactionSchema = z.object({
  object: z.literal('balance_transaction'),
  id: z.string(),
  type: z.string(),
  created: z.int(),
  source: z.unknown(),
});
type Transaction = z.infer<typeof transactionSchema>;

const chargeSchema = z.object({
  object: z.literal('charge'),
  amount_captured: z.int().nonnegative(),
  currency: z.string(),
  payment_intent: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

/**
 * Stripe has no daily bill. Its balance transactions have the same content. The amounts are those of the charges and
 * refunds, because the balance may be in another currency. Fees, payouts and disputes are left out.
 */
export function readStripeBill(client: StripeClient, date: string, signal: AbortSignal): Bill {
  return { linesExpected: null, lines: billLinesOf(client, date, signal) };
}

async function* billLinesOf(
  { stripe, runCall }: StripeClient,
  date: string,
  signal: AbortSignal,
): AsyncGenerator<BillLine> {
  const { from, until } = utcDay(date);
  const created = { gte: from.getTime() / 1000, lt: until.getTime() / 1000 };
  let last: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const parameters = {
      ...{ created, limit: pageSize, expand: ['data.source'] },
      ...(last !== undefined && { starting_after: last }),
    };
    const { data, has_more: hasMore } = await withDeadline(signal, pageDeadlineMs, (deadline) =>
      runCall(deadline, (options) => stripe.balanceTransactions.list(parameters, options)),
    );
    for (const transaction of data.map(parseTransaction)) {
      const line = billLineOf(transaction);
      if (line !== null) yield line;
      last = transaction.id;
    }
    if (!hasMore || data.length === 0) return;
  }
  throw new BillUnreadableError(`Stripe’s day has more than ${pagesMax * pageSize} balance transactions.`);
}

function parseTransaction(given: unknown): Transaction {
  const parsed = transactionSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new BillUnreadableError('Stripe listed an object that is not a balance transaction.', { cause: parsed.error });
}

/** Null for a transaction that is neither a payment nor a refund. */
function billLineOf(transaction: Transaction): BillLine | null {
  switch (transaction.type) {
    case 'charge':
    case 'payment':
      return paymentLineOf(transaction);
    case 'refund':
    case 'payment_refund':
      return refundLineOf(transaction);
    default:
      return null;
  }
}

function paymentLineOf({ id, created, source }: Transaction): BillLine {
  const charge = parseSource(id, chargeSchema, source);
  const { payment_intent: intent, metadata } = charge;
  return readLine(id, () => {
    const currency = currencyOf(charge.currency);
    return {
      kind: 'payment',
      merchantNumber: paymentIdOf(metadata?.payment_id),
      paymentNumber: null,
      providerPaymentId: typeof intent === 'string' ? intent : (intent?.id ?? null),
      providerRefundId: null,
      amountMinor: fromStripeAmount(charge.amount_captured, currency),
      currency,
      status: 'SUCCEEDED',
      at: instantOf(created),
    };
  });
}

/** The refund in its current state, also for a past day: a refund that a bank returned later is FAILED. */
function refundLineOf({ id, created, source }: Transaction): BillLine {
  const refund = parseSource(id, refundSchema, source);
  return readLine(id, () => {
    const at = instantOf(created);
    const report = reportOfRefund(refund, { source: 'RECONCILIATION', providerTime: at, receivedAt: at });
    if (report === null) throw new RangeError('Its status is not known.');
    const named = refund.metadata?.refund_id;
    const currency = currencyOf(refund.currency);
    return {
      kind: 'refund',
      merchantNumber: named !== undefined && isId('refund', named) ? named : null,
      paymentNumber: paymentIdOf(refund.metadata?.payment_id),
      providerPaymentId: intentIdOf(refund),
      providerRefundId: refund.id,
      amountMinor: fromStripeAmount(refund.amount, currency),
      currency,
      status: report.status,
      at,
    };
  });
}

function parseSource<T>(id: string, schema: z.ZodType<T>, source: unknown): T {
  const parsed = schema.safeParse(source);
  if (parsed.success) return parsed.data;
  throw unreadable(id, parsed.error);
}

function readLine(id: string, read: () => BillLine): BillLine {
  try {
    return read();
  } catch (error) {
    throw unreadable(id, error);
  }
}

function unreadable(id: string, cause: unknown): BillUnreadableError {
  return new BillUnreadableError(`Stripe’s balance transaction ${id} cannot be read.`, { cause });
}
