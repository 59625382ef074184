import type { Evidence, EvidenceSource } from '../../domain/payment.ts';
import { type PaymentReport, paymentReport, type RefundReport } from '../../domain/report.ts';
import { type AmountLimits, type AmountUse, refusalOfAmount } from '../amount-limits.ts';
import { beijingDay } from '../beijing-time.ts';
import {
  answeredInTime,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  type ProviderParts,
  type QueryAnswer,
  queryAfterwards,
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
import { prepayOf, readAnswer, truncate, unsupported } from './prepay.ts';
import { redactWechatpayNotification } from './redaction.ts';
import { refundSchema, reportOfRefund } from './refunds.ts';
import { adviceOn, signatureFaultOf, signatureHeaders } from './signature.ts';
import { createSendSigned } from './signed-request.ts';
import {
  foreignReasonOf,
  inProgressSchema,
  reportOfTransaction,
  type Transaction,
  transactionSchema,
} from './transactions.ts';
import { createSend } from './transport.ts';

export type WechatpayOptions = WechatpayConfig & ProviderParts;

/** 0.01 yuan to the largest 32-bit number of fen, which WeChat Pay's own SDKs use. */
const limits: AmountLimits = { minMinor: 1n, maxMinor: 2_147_483_647n, stepMinor: 1n };
const reasonCharactersMax = 80;
/** A payment that was never sent to WeChat Pay cannot be paid there. */
const nothing: QueryAnswer = { kind: 'notFound', payableUntil: null };

/** The result of a query by number: null when unknown, `inProgress` while the buyer is paying, else the transaction. */
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
    if (refusal !== null) throw unsupported(refusal);
    const askedAt = now();
    if (order.expiresAt <= askedAt) throw expired();
    const { target, body, nextActionOf } = prepayOf(order, options);
    const answer = await client.post(target, body, signal);
    if (answer.kind === 'refused') return resolveRefusedStart(order, answer, signal);
    const nextAction = await readAnswer(() => nextActionOf(answer.body, askedAt));
    return paymentReport({
      paymentId: order.paymentId,
      status: 'ACTION_REQUIRED',
      nextAction,
      evidence: evidence('RESPONSE', null),
    });
  }

  /**
   * Handles a refused start. The number may already exist at WeChat Pay; its state then decides. INVALID_REQUEST means
   * invalid parameters, or a known number with other parameters.
   */
  async function resolveRefusedStart(
    order: PaymentOrder,
    { refusal }: Extract<WechatpayAnswer, { kind: 'refused' }>,
    signal: AbortSignal,
  ): Promise<PaymentReport> {
    if (!isRefusedAs(refusal, 'OUT_TRADE_NO_USED', 'ORDERPAID', 'INVALID_REQUEST')) throw errorOf(refusal);
    const found = await queryAfterwards(() => query(order, signal));
    if (found.kind === 'report') return found.report;
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
    if (foreignReasonOf(transaction, options) !== null || transaction.out_trade_no !== paymentId) {
      throw new OutcomeUnknownError('WeChat Pay answered with another payment.');
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
    return { kind: 'report', report: requireKnown(report) };
  }

  async function close(order: PaymentOrder, signal: AbortSignal): Promise<QueryAnswer> {
    const found = await query(order, signal);
    if (found.kind === 'notFound') return found;
    const { status } = found.report;
    if (status !== 'ACTION_REQUIRED' && status !== 'PROCESSING') return found;
    const target = `/v3/pay/transactions/out-trade-no/${order.paymentId}/close`;
    const answer = await client.post(target, { mchid: mchId }, signal);
    if (answer.kind === 'refused') {
      const error = errorOf(answer.refusal);
      // Refused because the state has changed, most likely because the buyer paid. The state is queried below.
      const hasMoved = error instanceof RejectedError || isRefusedAs(answer.refusal, 'ORDERPAID', 'ORDER_NOT_EXIST');
      if (!hasMoved) throw error;
    }
    return queryAfterwards(() => query(order, signal));
  }

  async function startRefund(refund: RefundOrder, signal: AbortSignal): Promise<RefundReport> {
    const { refundId, paymentId, amountMinor, capturedMinor, currency } = refund;
    const reason = truncate(reasonCharactersMax, refund.reason?.trim() ?? '');
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
    if (number === null) throw unsupported('A refund without a number cannot be queried.');
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
      throw new OutcomeUnknownError('WeChat Pay answered with another refund.');
    }
    const report = reportOfRefund(refund, evidence(source, refund.success_time));
    return requireKnown(report);
  }

  async function listRefunds(order: PaymentOrder, signal: AbortSignal) {
    const found = await find(order, signal);
    const state = found === null || found === 'inProgress' ? null : found.trade_state;
    const returned = state === 'REFUND' ? 'SOME' : state === 'SUCCESS' ? 'NONE' : null;
    return { refunds: [], returned } as const; // WeChat Pay does not list refunds
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
      throw unsupported('WeChat Pay captures payments at once: there is nothing to capture.');
    },
    startRefund: (refund, signal) => answeredInTime(signal, () => startRefund(refund, signal)),
    queryRefund: (refund, signal) => answeredInTime(signal, () => queryRefund(refund, signal)),
    listRefunds: (order, signal) => answeredInTime(signal, () => listRefunds(order, signal)),
    verifyWebhook({ headers, body, receivedAt }) {
      const fault = signatureFaultOf(headers, body, keys.current(), receivedAt);
      if (fault !== null) {
        const advice = adviceOn(fault, headers);
        throw new WebhookRejectedError(fault, advice === null ? {} : { cause: new Error(`Advice: ${advice}.`) });
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
  if (captureMode !== 'AUTOMATIC') return 'WeChat Pay captures payments at once and does not support manual capture.';
  return refusalOfPrice({ amountMinor, currency }, 'PAYMENT');
}

function refusalOfPrice(price: Pick<PaymentOrder, 'amountMinor' | 'currency'>, use: AmountUse): string | null {
  if (price.currency !== 'CNY') return `WeChat Pay takes CNY only, not ${price.currency}.`;
  return refusalOfAmount('WeChat Pay takes', limits, price, use);
}

function expired(): RejectedError {
  const message = 'The time to pay ended before the payment was sent to WeChat Pay.';
  return new RejectedError({ reason: 'expired', message, providerCode: null, attempt: null });
}

function requireKnown<T>(report: T | null): T {
  if (report === null) throw new OutcomeUnknownError('WeChat Pay answered with an unknown state.');
  return report;
}
