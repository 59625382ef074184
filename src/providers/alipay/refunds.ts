import { isId } from '../../domain/ids.ts';
import type { Evidence, EvidenceSource } from '../../domain/payment.ts';
import type { ReportedRefundStatus } from '../../domain/refund.ts';
import { type RefundReport, refundReport } from '../../domain/report.ts';
import {
  askAfterwards,
  OutcomeUnknownError,
  type RefundAnswer,
  type RefundName,
  type RefundOrder,
} from '../provider.ts';
import { fenOfYuan, yuanOfFen } from '../yuan.ts';
import { mustConcern, parseAnswer, queriedRefundSchema, refundedSchema } from './answers.ts';
import type { AlipayGateway } from './gateway.ts';
import { wordsOf } from './order-text.ts';
import { isRefundRefused, rejectionBy, tradeNotExist } from './refusals.ts';

type Told = (source: EvidenceSource, providerTime: Date | null) => Evidence;

/** Refunds at Alipay: under our own numbers, for it has no other name for them. */
export function createAlipayRefunds(gateway: AlipayGateway, evidence: Told) {
  async function query(name: RefundName, signal: AbortSignal): Promise<RefundAnswer> {
    const { paymentId } = name;
    const number = numberOf(name);
    const asked = { out_trade_no: paymentId, out_request_no: number };
    const answer = await gateway.call('alipay.trade.fastpay.refund.query', asked, signal);
    if (answer.kind === 'refused') {
      if (answer.subCode === tradeNotExist) return { kind: 'notFound' };
      // A question that is refused says nothing about the refund.
      throw new OutcomeUnknownError('Alipay did not say what became of a refund.', {
        cause: rejectionBy(answer.subCode),
      });
    }
    const found = parseAnswer(queriedRefundSchema, answer.node);
    const { refund_status: status, refund_amount: amount } = found;
    // Older answers have no status, and name the refund where it was made.
    const isMade = status === null ? found.trade_no !== null && amount !== null : status === 'REFUND_SUCCESS';
    if (!isMade && status === null) return { kind: 'notFound' };
    if (found.out_trade_no !== null) mustConcern(paymentId, found.out_trade_no);
    if (found.out_request_no !== number) throw new OutcomeUnknownError('Alipay answered about another refund.');
    if (!isMade || amount === null)
      throw new OutcomeUnknownError('Alipay says neither that a refund was made nor that it was not.');
    return { kind: 'report', report: reportOf(number, 'SUCCEEDED', fenOfYuan(amount), evidence('QUERY', null)) };
  }

  return {
    query,

    async start(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport> {
      const { refundId, paymentId, amountMinor, reason } = refund;
      const words = wordsOf(reason ?? '');
      const answer = await gateway.call(
        'alipay.trade.refund',
        {
          out_trade_no: paymentId,
          refund_amount: yuanOfFen(amountMinor),
          out_request_no: refundId,
          ...(words !== '' && { refund_reason: words }),
        },
        signal,
      );
      if (answer.kind === 'refused') {
        const rejection = rejectionBy(answer.subCode);
        if (isRefundRefused(answer.subCode)) throw rejection;
        throw new OutcomeUnknownError('Alipay may have made a refund that it refuses now.', { cause: rejection });
      }
      const { out_trade_no: outTradeNo, fund_change: fundChange } = parseAnswer(refundedSchema, answer.node);
      mustConcern(paymentId, outTradeNo);
      if (fundChange === 'Y') return reportOf(refundId, 'SUCCEEDED', amountMinor, evidence('RESPONSE', null));
      // That the call worked is not that money went back: it may have before, or not yet. Its `refund_fee` sums up all refunds.
      const asked = await askAfterwards(() => query(refund, signal));
      if (asked.kind === 'report') return asked.report;
      return reportOf(refundId, 'PENDING', amountMinor, evidence('RESPONSE', null));
    },
  };
}

/** A refund by its number: `rfd_…` where it is one of ours. The amount is its own; null where only the sum of all is known. */
export function reportOf(
  number: string | null,
  status: ReportedRefundStatus,
  amountMinor: bigint | null,
  evidence: Evidence,
): RefundReport {
  return refundReport({
    refundId: number !== null && isId('refund', number) ? number : null,
    providerRefundId: number,
    status,
    amountMinor,
    currency: 'CNY',
    evidence,
  });
}

function numberOf({ refundId, providerRefundId, paymentId }: RefundName): string {
  const number = refundId ?? providerRefundId;
  if (number === null) throw new RangeError(`A refund of ${paymentId} that has no name cannot be asked for.`);
  return number;
}
