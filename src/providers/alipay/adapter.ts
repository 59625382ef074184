import { after } from '../../domain/clock.ts';
import type { Evidence, EvidenceSource, NextAction } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport } from '../../domain/report.ts';
import { type AmountLimits, type AmountUse, refusalOfAmount } from '../amount-limits.ts';
import { beijingDay, beijingText } from '../beijing-time.ts';
import {
  answeredInTime,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  type QueryAnswer,
  queryAfterwards,
  RejectedError,
} from '../provider.ts';
import { qrCode } from '../qr-code.ts';
import { yuanOfFen } from '../yuan.ts';
import {
  instantIn,
  parseAnswer,
  precreatedSchema,
  queriedTradeSchema,
  reportOfTrade,
  requireTrade,
  statusOfTrade,
} from './answers.ts';
import { fetchAlipayBill } from './bill.ts';
import type { AlipayConfig } from './config.ts';
import { type BizContent, createAlipayGateway } from './gateway.ts';
import { messageOf } from './messages.ts';
import { fieldsOf, verifyNotification } from './notification.ts';
import { subjectOf } from './order-text.ts';
import { redactAlipayNotification } from './redaction.ts';
import { createAlipayRefunds } from './refunds.ts';
import { isCloseOvertaken, rejectionBy, tradeHasSuccess, tradeNotExist } from './refusals.ts';

export type AlipayOptions = AlipayConfig & {
  readonly now: () => Date;
  /** The callback URL for payments that start here. */
  readonly notifyUrl: string;
};

/** 0.01 to 100,000,000.00 yuan. @see https://opendocs.alipay.com/open/59da99d0_alipay.trade.page.pay */
const limits: AmountLimits = { minMinor: 1n, maxMinor: 10_000_000_000n, stepMinor: 1n };
/** How long an Alipay QR code can be scanned. */
const qrCodeLifeMs = 2 * 60 * 60_000;

/** The payment pages by flow. */
const pages = {
  REDIRECT: { method: 'alipay.trade.page.pay', productCode: 'FAST_INSTANT_TRADE_PAY' },
  MOBILE_WEB: { method: 'alipay.trade.wap.pay', productCode: 'QUICK_WAP_WAY' },
} as const;

export function createAlipayProvider(options: AlipayOptions): PaymentProvider {
  const { appId, now, notifyUrl, alipayKeys } = options;
  const gateway = createAlipayGateway(options);

  const evidence = (source: EvidenceSource, providerTime: Date | null): Evidence => ({
    source,
    providerTime,
    receivedAt: now(),
  });

  const refunds = createAlipayRefunds(gateway, evidence);

  /** The redirect to the payment page; null when the flow has no page or the time to pay is over. */
  function pageOf(order: PaymentOrder): NextAction | null {
    const page = order.flow === 'REDIRECT' || order.flow === 'MOBILE_WEB' ? pages[order.flow] : null;
    if (page === null || isOver(order)) return null;
    const bizContent = { ...tradeOf(order), product_code: page.productCode };
    const url = gateway.pageUrl(page.method, bizContent, { notifyUrl, returnUrl: order.returnUrl });
    return { kind: 'REDIRECT', url, expiresAt: order.expiresAt.toISOString() };
  }

  /** Alipay accepts whole seconds only. */
  function isOver({ expiresAt }: PaymentOrder): boolean {
    return Math.floor(expiresAt.getTime() / 1000) * 1000 <= now().getTime();
  }

  async function start(order: PaymentOrder, signal: AbortSignal): Promise<PaymentReport> {
    if (isOver(order)) throw expired();
    // A page flow creates nothing at Alipay before the buyer opens the page, so no request is needed.
    if (order.flow !== 'QR_CODE') return started(order, pageOf(order));
    const answer = await gateway.call('alipay.trade.precreate', tradeOf(order), signal, notifyUrl);
    if (answer.kind === 'refused') {
      const found = answer.subCode === tradeHasSuccess ? await queryAfterwards(() => query(order, signal)) : null;
      if (found?.kind === 'report') return found.report;
      throw rejectionBy(answer.subCode);
    }
    const { out_trade_no: outTradeNo, qr_code: code } = parseAnswer(precreatedSchema, answer.node);
    requireTrade(order.paymentId, outTradeNo);
    const lapsesAt = after(now(), qrCodeLifeMs);
    return started(order, qrCode(code, lapsesAt < order.expiresAt ? lapsesAt : order.expiresAt));
  }

  function started({ paymentId }: PaymentOrder, nextAction: NextAction | null): PaymentReport {
    return paymentReport({ paymentId, status: 'ACTION_REQUIRED', nextAction, evidence: evidence('RESPONSE', null) });
  }

  /** Finds the trade with our number; null when Alipay has none. */
  async function findTrade({ paymentId }: PaymentOrder, signal: AbortSignal) {
    const answer = await gateway.call('alipay.trade.query', { out_trade_no: paymentId }, signal);
    if (answer.kind === 'refused') {
      if (answer.subCode === tradeNotExist) return null;
      throw rejectionBy(answer.subCode);
    }
    const trade = parseAnswer(queriedTradeSchema, answer.node);
    requireTrade(paymentId, trade.out_trade_no);
    return trade;
  }

  async function query(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const trade = await findTrade(order, signal);
    const isLate = isOver(order);
    // Alipay has no trade for a link or code that nobody has opened. Both can be opened until the time to pay is over.
    if (trade === null) return { kind: 'notFound', payableUntil: isLate ? null : order.expiresAt };
    const paidAt = instantIn(trade.send_pay_date);
    const status = statusOfTrade(trade, paidAt !== null);
    if (status === null) throw new OutcomeUnknownError('Alipay answered with an unknown status.');
    const queryEvidence = evidence('QUERY', paidAt);
    return {
      kind: 'report',
      report: reportOfTrade(trade, status, isLate ? 'EXPIRED' : 'CANCELED', queryEvidence, pageOf(order)),
    };
  }

  async function close(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const found = await query(order, signal);
    if (found.kind === 'notFound' || found.report.status !== 'ACTION_REQUIRED') return found;
    const answer = await gateway.call('alipay.trade.close', { out_trade_no: order.paymentId }, signal);
    if (answer.kind === 'refused' && !isCloseOvertaken(answer.subCode)) throw rejectionBy(answer.subCode);
    return queryAfterwards(() => query(order, signal));
  }

  return {
    name: 'ALIPAY',
    method: 'ALIPAY',
    account: appId,
    formerAccounts: [],
    flows: ['REDIRECT', 'QR_CODE', 'MOBILE_WEB'],
    needs: { REDIRECT: ['returnUrl'], MOBILE_WEB: ['returnUrl'] },
    webhookContentType: 'application/x-www-form-urlencoded',
    webhookHeaders: [],
    acknowledgement: { status: 200, contentType: 'text/plain', body: 'success' },

    refusalOf({ amountMinor, currency, captureMode }) {
      if (captureMode !== 'AUTOMATIC') return 'Alipay captures payments at once and does not support manual capture.';
      return refusalOfPrice({ amountMinor, currency }, 'PAYMENT');
    },
    refusalOfPart: (part) => refusalOfPrice(part, 'PART'),
    startPayment: (order, signal) => answeredInTime(signal, () => start(order, signal)),
    queryPayment: (order, signal) => answeredInTime(signal, () => query(order, signal)),
    closePayment: (order, signal) => answeredInTime(signal, () => close(order, signal)),
    async capturePayment() {
      const message = 'Alipay captures payments at once: there is nothing to capture.';
      throw new RejectedError({ reason: 'provider_error', message, providerCode: null, attempt: null });
    },
    startRefund: (refund, signal) => answeredInTime(signal, () => refunds.start(refund, signal)),
    queryRefund: (refund, signal) => answeredInTime(signal, () => refunds.query(refund, signal)),
    listRefunds: (order, signal) =>
      answeredInTime(signal, async () => {
        const trade = await findTrade(order, signal);
        // Alipay does not list refunds. A trade that was paid and is closed is known to be fully refunded.
        const isAllReturned = trade?.trade_status === 'TRADE_CLOSED' && trade.send_pay_date !== null;
        return { refunds: [], returned: isAllReturned ? 'ALL' : null };
      }),
    verifyWebhook: ({ body, headers }) => verifyNotification(body, headers['content-type'], alipayKeys),
    renewKeys: async () => ({ isHeld: false, outcome: 'not_asked' }), // // the keys come from the configuration
    readWebhook: (body, receivedAt) => messageOf(fieldsOf(body), options, receivedAt),
    redactWebhook: redactAlipayNotification,
    billDay: beijingDay,
    readBill: (date, signal) => fetchAlipayBill(gateway, date, signal),
  };
}

/**
 * The parameters of the trade. They are the same in every repeated call. Without `time_expire`, a link that nobody
 * opened could be paid at any later time.
 */
function tradeOf(order: PaymentOrder): BizContent {
  return {
    out_trade_no: order.paymentId,
    total_amount: yuanOfFen(order.amountMinor),
    subject: subjectOf(order),
    time_expire: beijingText(order.expiresAt),
  };
}

function refusalOfPrice(price: Pick<PaymentOrder, 'amountMinor' | 'currency'>, use: AmountUse): string | null {
  if (price.currency !== 'CNY') return `Alipay takes CNY only, not ${price.currency}.`;
  return refusalOfAmount('Alipay takes', limits, price, use);
}

function expired(): RejectedError {
  const message = 'The time to pay ended before the payment was sent to Alipay.';
  return new RejectedError({ reason: 'expired', message, providerCode: null, attempt: null });
}
