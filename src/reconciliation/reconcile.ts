import { after } from '../domain/clock.ts';
import type { BillLine } from '../domain/reconciliation.ts';
import { judgeLine } from '../domain/reconciliation.ts';
import { logCommand } from '../logging/command-log.ts';
import { logOfOrder } from '../logging/request-log.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { type Bill, type BillDay, BillNotAvailableError, NoBillError } from '../providers/bill.ts';

import { type Ledger, type Named, withLedger } from '../store/reconciliation-store.ts';
import { forEachOrder } from './each-order.ts';
import { type Action, type Doubt, type Finding, type FindingKind, type Reconciliation, sideOf } from './finding.ts';
import { reconcileUnlisted } from './reconcile-unlisted.ts';
import { type NamedOurs, reviewRepetition, settleDifference } from './settle-difference.ts';

/** The number of lines that one statement looks up. */
const batchLines = 500;
/**
 * The maximum number of lines that precede their prerequisite, such as a refund before its payment. They wait in memory
 * for the end of the bill.
 */
const earlyLinesMax = 1000;
/** A bill that is not published this long after the end of its day will not be: 10:30 in Beijing. */
const billDueMs = 10.5 * 3_600_000;

export type Reconciled = {
  readonly day: BillDay;
  /** False when there is no bill because nothing was traded: the provider has none, and we have no money of the day either. */
  readonly hasBill: boolean;
  readonly lines: number;
  /** Set when the bill lacks too much for single cases: the provider was not queried about it then. */
  readonly doubt: Doubt | null;
};

/**
 * Compares a provider's bill of one day with our records in both directions, and applies each difference as a report.
 * Memory use does not grow with the bill. Running it again has no further effect. A day without trades may have no
 * bill; then there is nothing to compare.
 *
 * @throws {BillNotAvailableError} and {BillUnreadableError} with a sentence for the operator.
 */
export async function reconcile(context: CommandContext, reconciliation: Reconciliation): Promise<Reconciled> {
  const { provider, date, signal } = reconciliation;
  const day = provider.billDay(date);
  if (day.until > context.clock.now()) {
    throw new BillNotAvailableError(`The day ${date} has not ended: it ends at ${day.until.toISOString()}.`);
  }
  const account = { provider: provider.name, providerAccount: provider.account };
  return withLedger(context.db, account, async (ledger) => {
    const bill = await readBill(context, reconciliation, ledger, day);
    if (bill === null) return { day, hasBill: false, lines: 0, doubt: null };
    // The lines must be read now, because reading them to the end removes the temporary file.
    const { lines, linesExpected } = bill;
    const early: BillLine[] = [];
    let done = 0;
    for await (const batch of batchesOf(lines, batchLines)) {
      signal.throwIfAborted();
      await reconcileLines(context, reconciliation, ledger, batch, early);
      done += batch.length;
      reconciliation.onProgress(done, linesExpected);
    }
    await reconcileLines(context, reconciliation, ledger, early, null);
    const doubt = await reconcileUnlisted(context, reconciliation, ledger, day);
    return { day, hasBill: true, lines: done, doubt };
  });
}

/** Null when there is no bill, it is late enough to accept that, and we have no money of the day either. */
async function readBill(
  { clock }: CommandContext,
  { provider, date, signal }: Reconciliation,
  ledger: Ledger,
  day: BillDay,
): Promise<Bill | null> {
  try {
    return await provider.readBill(date, signal);
  } catch (error) {
    if (!(error instanceof NoBillError) || clock.now() < after(day.until, billDueMs)) throw error;
    if (!(await holdsAny(ledger, day))) return null;
    throw new BillNotAvailableError(`${error.message} But the database has money that moved on that day.`, {
      cause: error,
    });
  }
}

async function holdsAny(ledger: Ledger, { from, until }: BillDay): Promise<boolean> {
  for (const subject of ['payment', 'refund'] as const) {
    for await (const _some of ledger.unlisted(subject, from, until)) return true;
  }
  return false;
}

/** @param early collects lines that precede their prerequisite, for a second pass; null in the second pass. */
async function reconcileLines(
  context: CommandContext,
  reconciliation: Reconciliation,
  ledger: Ledger,
  lines: readonly BillLine[],
  early: BillLine[] | null,
): Promise<void> {
  if (lines.length === 0) return;
  const named = await ledger.findNamed(lines);
  const judged = lines.map((line, position) => judge(line, named[position] ?? { payment: null, refund: null }));
  const listedNow = new Set(await ledger.markListed(judged.flatMap(({ listedId }) => listedId ?? [])));
  const differing: Judged[] = [];
  for (const given of judged) {
    const { line, listedId, verdict } = given;
    // The first line of a row removes its id from the set, so that a second line does not find it.
    const isRepeated = early !== null && listedId !== null && !listedNow.delete(listedId);
    if (isRepeated) differing.push({ ...given, verdict: 'LISTED_TWICE' });
    else if (verdict === 'MATCHED') reconciliation.onMatched(line);
    else differing.push(given);
  }
  await forEachOrder(
    differing,
    ({ named: { payment } }) => payment?.orderId ?? null,
    async (given) => {
      reconciliation.signal.throwIfAborted();
      const { line, verdict } = given;
      const { action, refundId } = await settle(context, reconciliation, given);
      if (refundId !== null) await ledger.markListed([refundId]);
      if (action === 'KNOWN_MEANWHILE') return reconciliation.onMatched(line);
      if (action === 'TOO_EARLY' && early !== null && early.length < earlyLinesMax) {
        early.push(line);
        return;
      }
      if (verdict !== 'MATCHED') await reconciliation.tell(findingOfLine(given, verdict, action, refundId));
    },
  );
}

type Judged = {
  readonly line: BillLine;
  readonly named: Named;
  readonly verdict: ReturnType<typeof judgeLine> | 'LISTED_TWICE';
  /** The id of our payment or refund that the line is about; null when we have none. */
  readonly listedId: string | null;
};

function judge(line: BillLine, named: Named): Judged {
  const { payment, refund } = named;
  const verdict = judgeLine(line, payment, refund);
  const isOfAnother = line.kind === 'payment' && verdict === 'MISSING_HERE' && payment?.status === 'SUCCEEDED';
  const listedId = line.kind === 'refund' ? refund?.id : isOfAnother ? null : payment?.id;
  return { line, named, verdict, listedId: listedId ?? null };
}

type Settled = { readonly action: Action; readonly refundId: string | null };

async function settle(
  given: CommandContext,
  { isDryRun }: Reconciliation,
  { line, named, verdict }: Judged,
): Promise<Settled> {
  const { payment, refund } = named;
  const refundId = refund?.id ?? null;
  if (verdict === 'FOREIGN' || isDryRun) return { action: 'NONE', refundId };
  if (payment === null) return { action: 'UNKNOWN_HERE', refundId };
  const ours: NamedOurs = { payment, refund };
  const context = { ...given, log: logOfOrder(given.log, payment.orderId) };
  try {
    const [command, act] =
      verdict === 'LISTED_TWICE'
        ? (['reviewRepetition', reviewRepetition] as const)
        : (['settleDifference', settleDifference] as const);
    const names = { orderId: payment.orderId, paymentId: payment.id, ...(refundId !== null && { refundId }) };
    return await logCommand(context.log, command, names, () => act(context, line, ours));
  } catch (error) {
    context.log.error({ err: error, paymentId: payment.id }, 'a line of a bill could not be applied');
    return { action: 'FAILED', refundId };
  }
}

function findingOfLine(
  { line, named: { payment, refund } }: Judged,
  kind: FindingKind,
  action: Action,
  refundId: string | null,
): Finding {
  const { merchantNumber, providerPaymentId, providerRefundId, amountMinor, currency, status } = line;
  return {
    ...{ kind, subject: line.kind, at: line.at, orderId: payment?.orderId ?? null, paymentId: payment?.id ?? null },
    ...{ refundId, merchantNumber, providerPaymentId, providerRefundId },
    here: line.kind === 'payment' ? payment && sideOf({ ...payment, ...movedOf(payment) }) : refund && sideOf(refund),
    there: { amountMinor, currency, status },
    action,
  };
}

/** The captured amount of a payment that has succeeded; otherwise the requested amount. */
function movedOf({ status, amountMinor, capturedMinor }: NonNullable<Named['payment']>): { amountMinor: bigint } {
  return { amountMinor: status === 'SUCCEEDED' ? capturedMinor : amountMinor };
}

async function* batchesOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
