import { isCertainlyWithin } from '../domain/reconciliation.ts';
import { idsIn, logCommand } from '../logging/command-log.ts';
import { logOfOrder } from '../logging/request-log.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { BillDay } from '../providers/bill.ts';
import type { Ledger, Unlisted } from '../store/reconciliation-store.ts';
import { askAboutUnlisted } from './ask-about-unlisted.ts';
import { forEachOrder } from './each-order.ts';
import { type Action, type Doubt, type Finding, type FindingKind, type Reconciliation, sideOf } from './finding.ts';

/** Up to this number of missing entries are single cases, however few entries the bill lists. */
const singleCasesMax = 3;
/** More missing entries than this are never single cases. */
const askedMax = 1000;

/**
 * Finds the money that we have recorded as moved on the day and that the bill does not list, and queries the provider
 * about it. What the provider does not confirm goes into review. The missing entries are counted first. If the bill
 * lacks more of our entries than it lists, it most likely belongs to another account or another day: all missing
 * entries are reported, the provider is not queried, and nothing changes.
 *
 * @returns the doubt about the bill; null when there is none, and in a dry run.
 */
export async function reconcileUnlisted(
  given: CommandContext,
  { isDryRun, isToAskAboutAll, signal, tell }: Reconciliation,
  ledger: Ledger,
  day: BillDay,
): Promise<Doubt | null> {
  const doubt = isToAskAboutAll ? null : await doubtOf(ledger, day, signal);
  const query = async (subject: 'payment' | 'refund', unlisted: Unlisted): Promise<Action> => {
    if (isDryRun) return 'NONE';
    if (doubt !== null) return 'NOT_ASKED';
    const context = { ...given, log: logOfOrder(given.log, unlisted.orderId) };
    try {
      const names = { orderId: unlisted.orderId, ...idsIn({ id: unlisted.id }) };
      return await logCommand(context.log, 'askAboutUnlisted', names, () =>
        askAboutUnlisted(context, subject, unlisted),
      );
    } catch (error) {
      context.log.error({ err: error, id: unlisted.id }, 'money that a bill does not list could not be checked');
      return 'FAILED';
    }
  };
  for (const subject of subjects) {
    for await (const page of ledger.unlisted(subject, day.from, day.until)) {
      await forEachOrder(
        page,
        ({ orderId }) => orderId,
        async (unlisted) => {
          signal.throwIfAborted();
          const isMissing = isCertainlyOf(day, unlisted);
          const action = isMissing ? await query(subject, unlisted) : 'NONE';
          await tell(findingOfUnlisted(subject, unlisted, isMissing ? 'MISSING_THERE' : 'NEAR_BORDER', action));
        },
      );
    }
  }
  return isDryRun ? null : doubt;
}

const subjects = ['payment', 'refund'] as const;

async function doubtOf(ledger: Ledger, day: BillDay, signal: AbortSignal): Promise<Doubt | null> {
  let missing = 0;
  for (const subject of subjects) {
    for await (const page of ledger.unlisted(subject, day.from, day.until)) {
      signal.throwIfAborted();
      missing += page.filter((unlisted) => isCertainlyOf(day, unlisted)).length;
    }
  }
  const listed = ledger.listedCount();
  const isDoubtful = missing > askedMax || (missing > singleCasesMax && missing > listed);
  return isDoubtful ? { missing, listed } : null;
}

function isCertainlyOf(day: BillDay, { earliestAt: earliest, succeededAt: latest }: Unlisted): boolean {
  return isCertainlyWithin({ earliest, latest }, day);
}

function findingOfUnlisted(
  subject: 'payment' | 'refund',
  unlisted: Unlisted,
  kind: FindingKind,
  action: Action,
): Finding {
  const { id, orderId, paymentId, providerPaymentId, providerRefundId, succeededAt: at } = unlisted;
  const refundId = subject === 'refund' ? id : null;
  return {
    ...{ kind, subject, at, orderId, paymentId, refundId, merchantNumber: id, providerPaymentId, providerRefundId },
    here: sideOf({ ...unlisted, status: 'SUCCEEDED' }),
    there: null,
    action,
  };
}
