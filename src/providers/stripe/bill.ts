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
/** More than any day has; a list that never ends is no list. */
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
 * Stripe has no bill of a day; what moved its balance is the same. Amounts are those of the charges and refunds: the balance itself may be
 * kept in another currency. Fees, payouts and disputes are no lines.
 */
export function readStripeBill(client: StripeClient, date: string, signal: AbortSignal): Bill {
  return { linesExpected: null, lines: billLinesOf(client, date, signal) };
}

async function* billLinesOf(
  { stripe, answered }: StripeClient,
  date: string,
  signal: AbortSignal,
): AsyncGenerator<BillLine> {
  const { from, until } = utcDay(date);
  const created = { gte: from.getTime() / 1000, lt: until.getTime() / 1000 };
  let last: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const asked = {
      ...{ created, limit: pageSize, expand: ['data.source'] },
      ...(last !== undefined && { starting_after: last }),
    };
    const { data, has_more: hasMore } = await withDeadline(signal, pageDeadlineMs, (deadline) =>
      answered(deadline, () => stripe.balanceTransactions.list(asked)),
    );
    for (const transaction of data.map(parseTransaction)) {
      const line = billLineOf(transaction);
      if (line !== null) yield line;
      last = transaction.id;
    }
    if (!hasMore || data.length === 0) return;
  }
  throw new BillUnreadableError(`Stripe’s day has more than ${pagesMax * pageSize} movements.`);
}

function parseTransaction(given: unknown): Transaction {
  const parsed = transactionSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new BillUnreadableError('Stripe listed what is no movement of its balance.', { cause: parsed.error });
}

/** Null for what is neither a payment nor a refund. */
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
  return told(id, () => {
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

/** The refund as it is now, also where the day is long gone: one that a bank has sent back since has FAILED. */
function refundLineOf({ id, created, source }: Transaction): BillLine {
  const refund = parseSource(id, refundSchema, source);
  return told(id, () => {
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

function told(id: string, read: () => BillLine): BillLine {
  try {
    return read();
  } catch (error) {
    throw unreadable(id, error);
  }
}

function unreadable(id: string, cause: unknown): BillUnreadableError {
  return new BillUnreadableError(`Stripe’s movement ${id} cannot be read.`, { cause });
}
