import type { Evidence, EvidenceSource } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport, type RefundReport } from '../../domain/report.ts';
import { type AmountLimits, type AmountUse, refusalOfAmount } from '../amount-limits.ts';
import { beijingDay } from '../beijing-time.ts';
import {
  answeredInTime,
  askAfterwards,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  type ProviderParts,
  type QueryAnswer,
  type RefundAnswer,
  type RefundName,
  type RefundOrder,
  RejectedError,
  WebhookRejectedError,
} from '../provider.ts';
import { fetchWechatpayBill } from './bill.ts';
import { createClient, type WechatpayAnswer } from './client.ts';
import type { WechatpayConfig } from './config.ts';
import { messageOf, openNotification } from './notification.ts';
import { errorOf, isRefusedAs } from './outcome.ts';
import { createPlatformKeyStore } from './platform-keys.ts';
import { cutTo, notPossible, prepayOf, readAnswer } from './prepay.ts';
import { redactWechatpayNotification } from './redaction.ts';
import { refundSchema, reportOfRefund } from './refunds.ts';
import { adviceOn, signatureFaultOf, signatureHeaders } from './signature.ts';
import { createSendSigned } from './signed-request.ts';
import {
  foreignnessOf,
  inProgressSchema,
  reportOfTransaction,
  type Transaction,
  transactionSchema,
} from './transactions.ts';
import { createSend } from './transport.ts';

export type WechatpayOptions = WechatpayConfig & ProviderParts;

/** 0.01 yuan, up to the largest number of fen that WeChat Pay's own programs hold. */
const limits: AmountLimits = { minMinor: 1n, maxMinor: 2_147_483_647n, stepMinor: 1n };
const reasonCharactersMax = 80;
/** What was never told to WeChat Pay cannot be paid there. */
const nothing: QueryAnswer = { kind: 'notFound', payableUntil: null };

/** What is known of a payment by its number: nothing, that its buyer is just paying, or all of it. */
type Found = Transaction | 'inProgress' | null;

export function createWechatpayProvider(options: WechatpayOptions): PaymentProvider {
  const { mchId, platformKeys, apiV3Key, webhookUrl, now } = options;
  const sendSigned = createSendSigned({ ...options, signer: options, send: options.send ?? createSend() });
  const keys = createPlatformKeyStore({ configured: platformKeys, apiV3Key, sendSigned, now });
  const client = createClient({ sendSigned, keys, now });

  const evidence = (source: EvidenceSource, providerTime: Date | null): Evidence => ({
    source,
    providerTime,
    receivedAt: now(),
  });

  async function start(order: PaymentOrder, signal: AbortSignal): Promise<PaymentReport> {
    const refusal = refusalOf(order);
    if (refusal !== null) throw notPossible(refusal);
    const askedAt = now();
    if (order.expiresAt <= askedAt) throw expired();
    const { target, body, actionBy } = prepayOf(order, options);
    const answer = await client.post(target, body, signal);
    if (answer.kind === 'refused') return startedBefore(order, answer, signal);
    const nextAction = readAnswer(() => actionBy(answer.body, askedAt));
    return paymentReport({
      paymentId: order.paymentId,
      status: 'ACTION_REQUIRED',
      nextAction,
      evidence: evidence('RESPONSE', null),
    });
  }

  /**
   * The number may be known there already: then what became of it decides, and not the refusal. INVALID_REQUEST is said of parameters that
   * are wrong, and of a number that is known with others.
   */
  async function startedBefore(
    order: PaymentOrder,
    { refusal }: Extract<WechatpayAnswer, { kind: 'refused' }>,
    signal: AbortSignal,
  ): Promise<PaymentReport> {
    if (!isRefusedAs(refusal, 'OUT_TRADE_NO_USED', 'ORDERPAID', 'INVALID_REQUEST')) throw errorOf(refusal);
    const asked = await askAfterwards(() => query(order, signal));
    if (asked.kind === 'report') return asked.report;
    throw errorOf(refusal);
  }

  async function find({ paymentId }: PaymentOrder, signal: AbortSignal): Promise<Found> {
    const answer = await client.get(`/v3/pay/transactions/out-trade-no/${paymentId}?mchid=${mchId}`, signal);
    if (answer.kind === 'refused') {
      const { refusal } = answer;
      const isUnknown = refusal.status === 404 && isRefusedAs(refusal, 'ORDER_NOT_EXIST');
      if (isUnknown) return null;
      if (isRefusedAs(refusal, 'USER_PAYING')) return 'inProgress';
      throw errorOf(refusal);
    }
    if (inProgressSchema.safeParse(answer.body).success) return 'inProgress';
    const transaction = readAnswer(() => transactionSchema.parse(answer.body));
    if (foreignnessOf(transaction, options) !== null || transaction.out_trade_no !== paymentId) {
      throw new OutcomeUnknownError('WeChat Pay answered with a payment that was not asked for.');
    }
    return transaction;
  }

  async function query(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const found = await find(order, signal);
    if (found === null) return nothing;
    if (found === 'inProgress') {
      const report = paymentReport({
        paymentId: order.paymentId,
        status: 'PROCESSING',
        evidence: evidence('QUERY', null),
      });
      return { kind: 'report', report };
    }
    const report = readAnswer(() =>
      reportOfTransaction(found, order.paymentId, evidence('QUERY', found.success_time), order.expiresAt <= now()),
    );
    return { kind: 'report', report: known(report) };
  }

  async function close(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const asked = await query(order, signal);
    if (asked.kind === 'notFound') return asked;
    const { status } = asked.report;
    if (status !== 'ACTION_REQUIRED' && status !== 'PROCESSING') return asked;
    const target = `/v3/pay/transactions/out-trade-no/${order.paymentId}/close`;
    const answer = await client.post(target, { mchid: mchId }, signal);
    if (answer.kind === 'refused') {
      const error = errorOf(answer.refusal);
      // Refused: it has moved meanwhile, most likely because the buyer was faster. What it is now is asked below.
      const hasMoved = error instanceof RejectedError || isRefusedAs(answer.refusal, 'ORDERPAID', 'ORDER_NOT_EXIST');
      if (!hasMoved) throw error;
    }
    return askAfterwards(() => query(order, signal));
  }

  async function startRefund(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport> {
    const { refundId, paymentId, amountMinor, capturedMinor, currency } = refund;
    const reason = cutTo(reasonCharactersMax, refund.reason?.trim() ?? '');
    const answer = await client.post(
      '/v3/refund/domestic/refunds',
      {
        out_trade_no: paymentId,
        out_refund_no: refundId,
        ...(reason !== '' && { reason }),
        notify_url: webhookUrl,
        amount: { refund: Number(amountMinor), total: Number(capturedMinor), currency },
      },
      signal,
    );
    if (answer.kind === 'refused') throw errorOf(answer.refusal);
    return refundIn(answer.body, refundId, paymentId, 'RESPONSE');
  }

  async function queryRefund(refund: RefundName, signal: AbortSignal): Promise<RefundAnswer> {
    const number = refund.refundId ?? refund.providerRefundId;
    if (number === null) throw notPossible('A refund is asked for that has no number.');
    const answer = await client.get(`/v3/refund/domestic/refunds/${encodeURIComponent(number)}`, signal);
    if (answer.kind === 'accepted') {
      return { kind: 'report', report: refundIn(answer.body, number, refund.paymentId, 'QUERY') };
    }
    const { refusal } = answer;
    if (refusal.status === 404 && isRefusedAs(refusal, 'RESOURCE_NOT_EXISTS')) return { kind: 'notFound' };
    throw errorOf(refusal);
  }

  function refundIn(body: unknown, number: string, paymentId: string, source: EvidenceSource): RefundReport {
    const refund = readAnswer(() => refundSchema.parse(body));
    if (refund.out_refund_no !== number || refund.out_trade_no !== paymentId) {
      throw new OutcomeUnknownError('WeChat Pay answered with a refund that was not asked for.');
    }
    const report = reportOfRefund(refund, evidence(source, refund.success_time));
    return known(report);
  }

  async function listRefunds(order: PaymentOrder, signal: AbortSignal) {
    const found = await find(order, signal);
    const state = found === null || found === 'inProgress' ? null : found.trade_state;
    const returned = state === 'REFUND' ? 'SOME' : state === 'SUCCESS' ? 'NONE' : null;
    return { refunds: [], returned } as const; // WeChat Pay has no list of them
  }

  return {
    name: 'WECHATPAY',
    method: 'WECHAT_PAY',
    account: mchId,
    formerAccounts: [],
    flows: ['QR_CODE', 'MOBILE_WEB', 'IN_APP'],
    needs: { MOBILE_WEB: ['buyerIp'], IN_APP: ['openId'] },
    webhookContentType: 'application/json',
    webhookHeaders: signatureHeaders,
    acknowledgement: {
      status: 200,
      contentType: 'application/json',
      body: '{"code":"SUCCESS","message":"成功"}',
    },
    refusalOf,
    refusalOfPart: (part) => refusalOfPrice(part, 'PART'),
    startPayment: (order, signal) => answeredInTime(signal, () => start(order, signal)),
    queryPayment: (order, signal) => answeredInTime(signal, () => query(order, signal)),
    closePayment: (order, signal) => answeredInTime(signal, () => close(order, signal)),
    capturePayment: async () => {
      throw notPossible('WeChat Pay takes money at once: there is nothing to capture.');
    },
    startRefund: (refund, signal) => answeredInTime(signal, () => startRefund(refund, signal)),
    queryRefund: (refund, signal) => answeredInTime(signal, () => queryRefund(refund, signal)),
    listRefunds: (order, signal) => answeredInTime(signal, () => listRefunds(order, signal)),
    verifyWebhook({ headers, body, receivedAt }) {
      const fault = signatureFaultOf(headers, body, keys.current(), receivedAt);
      if (fault !== null) {
        const advice = adviceOn(fault, headers);
        throw new WebhookRejectedError(
          fault,
          advice === null ? {} : { cause: new Error(`It was refused: ${advice}.`) },
        );
      }
      const { eventId, eventType } = openNotification(body, apiV3Key);
      return { eventId, eventType };
    },
    renewKeys: ({ headers }) => keys.renewFor(headers['wechatpay-serial']),
    readWebhook: (body, receivedAt) => messageOf(openNotification(body, apiV3Key), options, receivedAt),
    redactWebhook: redactWechatpayNotification,
    billDay: beijingDay,
    readBill: (date, signal) => fetchWechatpayBill({ ...options, client, signer: options }, date, signal),
  };
}

function refusalOf({
  amountMinor,
  currency,
  captureMode,
}: Pick<PaymentOrder, 'amountMinor' | 'currency' | 'captureMode'>): string | null {
  if (captureMode !== 'AUTOMATIC') return 'WeChat Pay takes money at once: it cannot only authorize.';
  return refusalOfPrice({ amountMinor, currency }, 'PAYMENT');
}

function refusalOfPrice(price: Pick<PaymentOrder, 'amountMinor' | 'currency'>, use: AmountUse): string | null {
  if (price.currency !== 'CNY') return `WeChat Pay takes CNY only, not ${price.currency}.`;
  return refusalOfAmount('WeChat Pay takes', limits, price, use);
}

function expired(): RejectedError {
  const message = 'The time to pay had run out before WeChat Pay was told.';
  return new RejectedError({ reason: 'expired', message, providerCode: null, attempt: null });
}

function known<T>(report: T | null): T {
  if (report === null) throw new OutcomeUnknownError('WeChat Pay answered with a state that we do not know.');
  return report;
}
