import { isId } from '../../domain/ids.ts';
import type { Evidence, EvidenceSource } from '../../domain/payment.ts';
import type { ReportedRefundStatus } from '../../domain/refund.ts';
import { type RefundReport, refundReport } from '../../domain/report.ts';
import {
  OutcomeUnknownError,
  queryAfterwards,
  type RefundAnswer,
  type RefundName,
  type RefundOrder,
} from '../provider.ts';
import { fenOfYuan, yuanOfFen } from '../yuan.ts';
import { parseAnswer, queriedRefundSchema, refundedSchema, requireTrade } from './answers.ts';
import type { AlipayGateway } from './gateway.ts';
import { cleanText } from './order-text.ts';
import { isDefiniteRefundRefusal, rejectionBy, tradeNotExist } from './refusals.ts';

type CreateEvidence = (source: EvidenceSource, providerTime: Date | null) => Evidence;

/** Refunds at Alipay. Alipay identifies them only by our number. */
export function createAlipayRefunds(gateway: AlipayGateway, evidence: CreateEvidence) {
  async function query(name: RefundName, signal: AbortSignal): Promise<RefundAnswer> {
    const { paymentId } = name;
    const number = numberOf(name);
    const content = { out_trade_no: paymentId, out_request_no: number };
    const answer = await gateway.call('alipay.trade.fastpay.refund.query', content, signal);
    if (answer.kind === 'refused') {
      if (answer.subCode === tradeNotExist) return { kind: 'notFound' };
      // A refused query says nothing about the refund.
      throw new OutcomeUnknownError('Alipay did not return the state of a refund.', {
        cause: rejectionBy(answer.subCode),
      });
    }
    const found = parseAnswer(queriedRefundSchema, answer.node);
    const { refund_status: status, refund_amount: amount } = found;
    // Older answers have no status. They identify a completed refund by its fields.
    const isMade = status === null ? found.trade_no !== null && amount !== null : status === 'REFUND_SUCCESS';
    if (!isMade && status === null) return { kind: 'notFound' };
    if (found.out_trade_no !== null) requireTrade(paymentId, found.out_trade_no);
    if (found.out_request_no !== number) throw new OutcomeUnknownError('Alipay answered about another refund.');
    if (!isMade || amount === null)
      throw new OutcomeUnknownError('Alipay’s answer leaves open whether a refund was made.');
    return { kind: 'report', report: reportOfRefund(number, 'SUCCEEDED', fenOfYuan(amount), evidence('QUERY', null)) };
  }

  return {
    query,

    async start(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport> {
      const { refundId, paymentId, amountMinor, reason } = refund;
      const text = cleanText(reason ?? '');
      const answer = await gateway.call(
        'alipay.trade.refund',
        {
          out_trade_no: paymentId,
          refund_amount: yuanOfFen(amountMinor),
          out_request_no: refundId,
          ...(text !== '' && { refund_reason: text }),
        },
        signal,
      );
      if (answer.kind === 'refused') {
        const rejection = rejectionBy(answer.subCode);
        if (isDefiniteRefundRefusal(answer.subCode)) throw rejection;
        throw new OutcomeUnknownError('Alipay refused a refund that it may have made before.', { cause: rejection });
      }
      const { out_trade_no: outTradeNo, fund_change: fundChange } = parseAnswer(refundedSchema, answer.node);
      requireTrade(paymentId, outTradeNo);
      if (fundChange === 'Y') return reportOfRefund(refundId, 'SUCCEEDED', amountMinor, evidence('RESPONSE', null));
      // A successful call does not mean that money was refunded: the refund may be older or still in progress.
      // `refund_fee` in the answer is the sum of all refunds.
      const found = await queryAfterwards(() => query(refund, signal));
      if (found.kind === 'report') return found.report;
      return reportOfRefund(refundId, 'PENDING', amountMinor, evidence('RESPONSE', null));
    },
  };
}

/**
 * Builds the report of a refund from its number: `rfd_…` for our refunds.
 *
 * @param amountMinor the amount of this refund; null when only the sum of all refunds is known.
 */
export function reportOfRefund(
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
  if (number === null) throw new RangeError(`A refund of ${paymentId} has no number and cannot be queried.`);
  return number;
}
