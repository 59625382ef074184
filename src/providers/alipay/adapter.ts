import { after } from '../../domain/clock.ts';
import type { Evidence, EvidenceSource, NextAction } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport } from '../../domain/report.ts';
import { type AmountLimits, type AmountUse, refusalOfAmount } from '../amount-limits.ts';
import { beijingDay, beijingText } from '../beijing-time.ts';
import {
  answeredInTime,
  askAfterwards,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  type QueryAnswer,
  RejectedError,
} from '../provider.ts';
import { qrCode } from '../qr-code.ts';
import { yuanOfFen } from '../yuan.ts';
import {
  instantIn,
  mustConcern,
  parseAnswer,
  precreatedSchema,
  queriedTradeSchema,
  reportOfTrade,
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
  /** Where Alipay posts what becomes of the payments that are started here. */
  readonly notifyUrl: string;
};

/** 0.01 to 100,000,000.00 yuan. @see https://opendocs.alipay.com/open/59da99d0_alipay.trade.page.pay */
const limits: AmountLimits = { minMinor: 1n, maxMinor: 10_000_000_000n, stepMinor: 1n };
/** A QR code of Alipay's can be scanned for so long. */
const qrCodeLifeMs = 2 * 60 * 60_000;

/** The pages on which a buyer pays, by flow. */
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

  /** The way to the page on which the buyer pays; null where the flow has none, or the time is up. */
  function pageOf(order: PaymentOrder): NextAction | null {
    const page = order.flow === 'REDIRECT' || order.flow === 'MOBILE_WEB' ? pages[order.flow] : null;
    if (page === null || isOver(order)) return null;
    const bizContent = { ...tradeOf(order), product_code: page.productCode };
    const url = gateway.pageUrl(page.method, bizContent, { notifyUrl, returnUrl: order.returnUrl });
    return { kind: 'REDIRECT', url, expiresAt: order.expiresAt.toISOString() };
  }

  /** Alipay takes whole seconds only. */
  function isOver({ expiresAt }: PaymentOrder): boolean {
    return Math.floor(expiresAt.getTime() / 1000) * 1000 <= now().getTime();
  }

  async function start(order: PaymentOrder, signal: AbortSignal): Promise<PaymentReport> {
    if (isOver(order)) throw expired();
    // Of a page nothing exists at Alipay before the buyer has come to it, so nobody is asked.
    if (order.flow !== 'QR_CODE') return started(order, pageOf(order));
    const answer = await gateway.call('alipay.trade.precreate', tradeOf(order), signal, notifyUrl);
    if (answer.kind === 'refused') {
      const asked = answer.subCode === tradeHasSuccess ? await askAfterwards(() => query(order, signal)) : null;
      if (asked?.kind === 'report') return asked.report;
      throw rejectionBy(answer.subCode);
    }
    const { out_trade_no: outTradeNo, qr_code: code } = parseAnswer(precreatedSchema, answer.node);
    mustConcern(order.paymentId, outTradeNo);
    const lapsesAt = after(now(), qrCodeLifeMs);
    return started(order, qrCode(code, lapsesAt < order.expiresAt ? lapsesAt : order.expiresAt));
  }

  function started({ paymentId }: PaymentOrder, nextAction: NextAction | null): PaymentReport {
    return paymentReport({ paymentId, status: 'ACTION_REQUIRED', nextAction, evidence: evidence('RESPONSE', null) });
  }

  /** What Alipay holds under our number; null when that is nothing. */
  async function findTrade({ paymentId }: PaymentOrder, signal: AbortSignal) {
    const answer = await gateway.call('alipay.trade.query', { out_trade_no: paymentId }, signal);
    if (answer.kind === 'refused') {
      if (answer.subCode === tradeNotExist) return null;
      throw rejectionBy(answer.subCode);
    }
    const trade = parseAnswer(queriedTradeSchema, answer.node);
    mustConcern(paymentId, trade.out_trade_no);
    return trade;
  }

  async function query(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const trade = await findTrade(order, signal);
    const isLate = isOver(order);
    // A link or a code that nobody has opened is nothing to Alipay, and can be opened until the time is up.
    if (trade === null) return { kind: 'notFound', payableUntil: isLate ? null : order.expiresAt };
    const paidAt = instantIn(trade.send_pay_date);
    const status = statusOfTrade(trade, paidAt !== null);
    if (status === null) throw new OutcomeUnknownError('Alipay answered with a status that we do not know.');
    const told = evidence('QUERY', paidAt);
    return {
      kind: 'report',
      report: reportOfTrade(trade, status, isLate ? 'EXPIRED' : 'CANCELED', told, pageOf(order)),
    };
  }

  async function close(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const asked = await query(order, signal);
    if (asked.kind === 'notFound' || asked.report.status !== 'ACTION_REQUIRED') return asked;
    const answer = await gateway.call('alipay.trade.close', { out_trade_no: order.paymentId }, signal);
    if (answer.kind === 'refused' && !isCloseOvertaken(answer.subCode)) throw rejectionBy(answer.subCode);
    return askAfterwards(() => query(order, signal));
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
      if (captureMode !== 'AUTOMATIC') return 'Alipay takes the money at once: it cannot be captured later.';
      return refusalOfPrice({ amountMinor, currency }, 'PAYMENT');
    },
    refusalOfPart: (part) => refusalOfPrice(part, 'PART'),
    startPayment: (order, signal) => answeredInTime(signal, () => start(order, signal)),
    queryPayment: (order, signal) => answeredInTime(signal, () => query(order, signal)),
    closePayment: (order, signal) => answeredInTime(signal, () => close(order, signal)),
    async capturePayment() {
      const message = 'Alipay takes the money at once: there is nothing to capture.';
      throw new RejectedError({ reason: 'provider_error', message, providerCode: null, attempt: null });
    },
    startRefund: (refund, signal) => answeredInTime(signal, () => refunds.start(refund, signal)),
    queryRefund: (refund, signal) => answeredInTime(signal, () => refunds.query(refund, signal)),
    listRefunds: (order, signal) =>
      answeredInTime(signal, async () => {
        const trade = await findTrade(order, signal);
        // Alipay lists no refunds. Only of a trade that was paid and is closed it is known that all went back.
        const isAllReturned = trade?.trade_status === 'TRADE_CLOSED' && trade.send_pay_date !== null;
        return { refunds: [], returned: isAllReturned ? 'ALL' : null };
      }),
    verifyWebhook: ({ body, headers }) => verifyNotification(body, headers['content-type'], alipayKeys),
    renewKeys: async () => ({ isHeld: false, outcome: 'not_asked' }), // they are configured
    readWebhook: (body, receivedAt) => messageOf(fieldsOf(body), options, receivedAt),
    redactWebhook: redactAlipayNotification,
    billDay: beijingDay,
    readBill: (date, signal) => fetchAlipayBill(gateway, date, signal),
  };
}

/** What makes the trade: the same for every repetition. Without `time_expire` a link that nobody opened could be paid for ever. */
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
  const message = 'The time to pay was over before Alipay was told of the payment.';
  return new RejectedError({ reason: 'expired', message, providerCode: null, attempt: null });
}
