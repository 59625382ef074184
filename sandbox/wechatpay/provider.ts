import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { CallbackTransport } from '../callback-post.ts';
import type { SandboxContext } from '../context.ts';
import { Deliveries } from '../deliveries.ts';
import type { SimulatedProvider } from '../provider.ts';
import { ScheduledTasks } from '../scheduled-tasks.ts';
import { WechatpayApi } from './api.ts';
import { BillDownloads } from './bill-downloads.ts';
import { pendingWechatpayPayments, serveWechatpayPage } from './cashier.ts';
import { wechatpayConsole } from './console.ts';
import { readWechatpayLedger, type WechatpayLedger } from './ledger-report.ts';
import { ackTimeoutMs, notificationRetryDelaysMs, wechatpayCallbackProtocol } from './notifications.ts';
import type { PlatformKey, TaskAct, WechatpayOptions, WechatpayState } from './state.ts';
import { runTask } from './tasks.ts';

export type { WechatpayLedger } from './ledger-report.ts';
export type { PlatformKey, WechatpayOptions } from './state.ts';

export type WechatpayProvider = SimulatedProvider & {
  readonly readLedger: (paymentId: string | null) => WechatpayLedger;
};

/** Simulates WeChat Pay APIv3: `/v3`. @throws {Error} that names an invalid option. */
export function createWechatpayProvider(
  context: SandboxContext,
  options: WechatpayOptions,
  transport: CallbackTransport,
): WechatpayProvider {
  const firstKey = checkOptions(options);
  const { ledger, newId } = context;
  const notifications: WechatpayState['notifications'] = ledger.table('wechatpay_events');
  const settings: WechatpayState['settings'] = ledger.table('wechatpay_settings');
  const notificationKey = (): PlatformKey => {
    const chosen = settings.get('notification_key')?.serial;
    return options.platformKeys.find(({ serial }) => serial === chosen) ?? firstKey;
  };
  const deliveries = new Deliveries(
    context,
    wechatpayCallbackProtocol(context, options.apiV3Key, notificationKey),
    { ...transport, attemptTimeoutMs: Math.min(ackTimeoutMs, transport.attemptTimeoutMs) },
    { url: null, retryDelaysMs: notificationRetryDelaysMs }, // each payment and refund names its own URL
    { contentOf: (eventId) => notifications.get(eventId)?.content, newId: () => newId('dlv_') },
  );
  const wechatpay: WechatpayState = {
    ...context,
    merchant: { appId: options.appId, mchId: options.mchId },
    orders: ledger.table('wechatpay_orders'),
    codes: ledger.table('wechatpay_codes'),
    transactions: ledger.table('wechatpay_transactions'),
    refunds: ledger.table('wechatpay_refunds'),
    notifications,
    syntheticBills: ledger.table('wechatpay_synthetic_bills'),
    settings,
    deliver: ({ id, type, content }, url) => deliveries.enqueue({ eventId: id, type, content, url }),
    schedule: (delayMs, act, subject) => tasks.schedule(delayMs, act, subject),
  };
  const tasks = new ScheduledTasks<TaskAct>(context, 'wechatpay_plans', (act, subject) =>
    runTask(wechatpay, act, subject),
  );
  const api = new WechatpayApi(wechatpay, options, new BillDownloads(wechatpay));
  return {
    key: 'wechatpay',
    isApi: (path) => path === '/v3' || path.startsWith('/v3/'),
    serveApi: (request) => api.serve(request),
    pageKinds: ['wechatpay'],
    servePage: (request) => serveWechatpayPage(wechatpay, options, request),
    pendingPayments: () => pendingWechatpayPayments(wechatpay),
    actions: wechatpayConsole(wechatpay, options),
    readLedger: (paymentId) => readWechatpayLedger(wechatpay, paymentId),
    events: () => Array.from(notifications.all(), ({ content }): object => JSON.parse(content)),
    deliveries,
    resume: () => {
      tasks.resume();
      deliveries.resume();
    },
  };
}

/** Returns the first platform key. @throws {Error} that names an invalid option. */
function checkOptions({ apiV3Key, merchantSerial, merchantPublicKey, platformKeys }: WechatpayOptions): PlatformKey {
  if (!/^[\x21-\x7e]{32}$/.test(apiV3Key)) throw new Error('apiV3Key must be 32 ASCII characters.');
  if (!/^[0-9A-Fa-f]{40}$/.test(merchantSerial)) throw new Error('merchantSerial must be 40 hex digits.');
  checkKey('merchantPublicKey', () => createPublicKey(merchantPublicKey));
  for (const { serial, privateKey } of platformKeys) {
    if (!/^(PUB_KEY_ID_\w+|[0-9A-Fa-f]{40})$/.test(serial)) {
      throw new Error(`platformKeys: ${serial.slice(0, 80)} must be PUB_KEY_ID_… or 40 hex digits.`);
    }
    checkKey(`the private key of ${serial}`, () => createPrivateKey(privateKey));
  }
  const [first] = platformKeys;
  if (!first) throw new Error('platformKeys must contain at least one key.');
  return first;
}

function checkKey(name: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    throw new Error(`${name} must be an RSA key in PEM.`, { cause });
  }
}
