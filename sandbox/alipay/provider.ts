import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { CallbackTransport } from '../callback-post.ts';
import type { SandboxContext } from '../context.ts';
import { Deliveries } from '../deliveries.ts';
import type { SimulatedProvider } from '../provider.ts';
import { ScheduledTasks } from '../scheduled-tasks.ts';
import { alipayCallbackProtocol, notifyRetryDelaysMs } from './callback-protocol.ts';
import { alipayPageKinds, pendingAlipayPayments, serveAlipayPage } from './cashier.ts';
import { alipayConsole } from './console.ts';
import { type Gateway, isAlipayApi, serveAlipayApi } from './gateway.ts';
import { type AlipayLedger, readAlipayLedger } from './ledger-report.ts';
import type { Certificates } from './request.ts';
import { signRsa2 } from './signing.ts';
import type { AlipayState, TaskAct } from './state.ts';
import { runTask } from './tasks.ts';

export type AlipayOptions = {
  readonly appId: string;
  readonly sellerId: string;
  /** The merchant's application public key in PEM, which verifies requests. */
  readonly appPublicKey: string;
  /** Alipay's private key in PEM, which signs responses, notifications and return URLs. */
  readonly privateKey: string;
  /** Certificate mode: requests must carry the first two serial numbers, responses carry the third. Default: key mode. */
  readonly certificates?: Certificates | null;
};

export type AlipayProvider = SimulatedProvider & { readonly readLedger: (paymentId: string | null) => AlipayLedger };

/** Simulates Alipay: `/gateway.do` and the downloads of its bills. @throws {Error} for an invalid PEM. */
export function createAlipayProvider(
  context: SandboxContext,
  options: AlipayOptions,
  transport: CallbackTransport,
): AlipayProvider {
  const { ledger, newId } = context;
  const { appId, sellerId, certificates = null } = options;
  const privateKey = createPrivateKey(options.privateKey);
  const sign = (text: string | Buffer): string => signRsa2(text, privateKey);
  const notifications: AlipayState['notifications'] = ledger.table('alipay_notices');
  const deliveries = new Deliveries(
    context,
    alipayCallbackProtocol(sign),
    transport,
    { url: null, retryDelaysMs: notifyRetryDelaysMs }, // each payment names its own URL
    { contentOf: (noticeId) => notifications.get(noticeId)?.content, newId: () => newId('dlv_') },
  );
  const alipay: AlipayState = {
    ...context,
    ...{ appId, sellerId, sign, notifications },
    offers: ledger.table('alipay_offers'),
    offersByNumber: ledger.table('alipay_offers_by_number'),
    trades: ledger.table('alipay_trades'),
    tradeNumbers: ledger.table('alipay_trade_numbers'),
    refunds: ledger.table('alipay_refunds'),
    refundsByTrade: ledger.table('alipay_refunds_by_trade'),
    billLinks: ledger.table('alipay_bill_links'),
    syntheticBills: ledger.table('alipay_made_up_bills'),
    deliver: ({ id, type, content }, url) => deliveries.enqueue({ eventId: id, type, content, url }),
    schedule: (delayMs, act, subject) => tasks.schedule(delayMs, act, subject),
  };
  const tasks = new ScheduledTasks<TaskAct>(context, 'alipay_plans', (act, subject) => runTask(alipay, act, subject));
  const gateway: Gateway = {
    alipay,
    credentials: { appId, appPublicKey: createPublicKey(options.appPublicKey), certificates },
    signer: { sign, alipayCertSn: certificates?.alipayCertSn ?? null },
  };
  return {
    key: 'alipay',
    isApi: isAlipayApi,
    serveApi: (request) => serveAlipayApi(gateway, request),
    pageKinds: alipayPageKinds,
    servePage: (request) => serveAlipayPage(alipay, request),
    pendingPayments: () => pendingAlipayPayments(alipay),
    actions: alipayConsole(alipay),
    readLedger: (paymentId) => readAlipayLedger(alipay, paymentId),
    events: () => Array.from(notifications.all(), ({ content }): object => JSON.parse(content)),
    deliveries,
    resume: () => {
      tasks.resume();
      deliveries.resume();
    },
  };
}
