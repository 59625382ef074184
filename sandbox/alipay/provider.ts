import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Deliveries, type Posting } from '../deliveries.ts';
import type { SandboxContext, SimulatedProvider } from '../provider.ts';
import { alipaySender, notifyRetryDelaysMs } from './callback-protocol.ts';
import { alipayPageKinds, pendingAlipayPayments, serveAlipayPage } from './cashier.ts';
import { alipayConsole } from './console.ts';
import { type Gateway, isAlipayApi, serveAlipayApi } from './gateway.ts';
import { type AlipayLedger, readAlipayLedger } from './ground-truth.ts';
import type { Certificates } from './request.ts';
import { keepPlan, resumePlans } from './scheduled.ts';
import { signRsa2 } from './signing.ts';
import type { AlipayState } from './state.ts';

export type AlipayOptions = {
  readonly appId: string;
  readonly sellerId: string;
  /** PEM of the merchant's application key: it verifies requests. */
  readonly appPublicKey: string;
  /** PEM of Alipay's own key: it signs answers, notifications and returns. */
  readonly privateKey: string;
  /** Certificate mode: requests must name the first two, answers name the third. Default: key mode. */
  readonly certificates?: Certificates | null;
};

export type AlipayProvider = SimulatedProvider & { readonly readLedger: (paymentId: string | null) => AlipayLedger };

/** Alipay: `/gateway.do`, and the files of its bills. @throws {Error} for a PEM that holds no such key. */
export function createAlipayProvider(
  context: SandboxContext,
  options: AlipayOptions,
  posting: Posting,
): AlipayProvider {
  const { ledger, newId } = context;
  const { appId, sellerId, certificates = null } = options;
  const privateKey = createPrivateKey(options.privateKey);
  const sign = (text: string | Buffer): string => signRsa2(text, privateKey);
  const notices: AlipayState['notices'] = ledger.table('alipay_notices');
  const deliveries = new Deliveries(
    context,
    alipaySender(sign),
    posting,
    { url: null, retryDelaysMs: notifyRetryDelaysMs }, // each payment names its own place
    { contentOf: (noticeId) => notices.get(noticeId)?.content, newId: () => newId('dlv_') },
  );
  const alipay: AlipayState = {
    ...context,
    ...{ appId, sellerId, sign, notices },
    offers: ledger.table('alipay_offers'),
    offersByNumber: ledger.table('alipay_offers_by_number'),
    trades: ledger.table('alipay_trades'),
    tradeNumbers: ledger.table('alipay_trade_numbers'),
    refunds: ledger.table('alipay_refunds'),
    refundsByTrade: ledger.table('alipay_refunds_by_trade'),
    plans: ledger.table('alipay_plans'),
    billLinks: ledger.table('alipay_bill_links'),
    madeUpBills: ledger.table('alipay_made_up_bills'),
    deliver: ({ id, type, content }, url) => deliveries.announce({ eventId: id, type, content, url }),
    plan: (inMs, act, subject) => keepPlan(alipay, inMs, act, subject),
  };
  const gateway: Gateway = {
    alipay,
    gate: { appId, appPublicKey: createPublicKey(options.appPublicKey), certificates },
    answering: { sign, alipayCertSn: certificates?.alipayCertSn ?? null },
  };
  return {
    provider: 'alipay',
    isApi: isAlipayApi,
    serveApi: (request) => serveAlipayApi(gateway, request),
    pageKinds: alipayPageKinds,
    servePage: (request) => serveAlipayPage(alipay, request),
    pendingPayments: () => pendingAlipayPayments(alipay),
    actions: alipayConsole(alipay),
    readLedger: (paymentId) => readAlipayLedger(alipay, paymentId),
    events: () => Array.from(notices.all(), ({ content }): object => JSON.parse(content)),
    deliveries,
    resume: () => {
      resumePlans(alipay);
      deliveries.resume();
    },
  };
}
