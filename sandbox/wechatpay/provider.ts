import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Deliveries, type Posting } from '../deliveries.ts';
import type { SandboxContext, SimulatedProvider } from '../provider.ts';
import { WechatpayApi } from './api.ts';
import { BillDesk } from './bill-downloads.ts';
import { pendingWechatpayPayments, serveWechatpayPage } from './cashier.ts';
import { wechatpayConsole } from './console.ts';
import { readWechatpayLedger, type WechatpayLedger } from './ground-truth.ts';
import { ackTimeoutMs, notificationRetryDelaysMs, wechatpaySender } from './notifications.ts';
import { keepPlan, resumePlans } from './scheduled.ts';
import type { PlatformKey, WechatpayOptions, WechatpayState } from './state.ts';

export type { WechatpayLedger } from './ground-truth.ts';
export type { PlatformKey, WechatpayOptions } from './state.ts';

export type WechatpayProvider = SimulatedProvider & {
  readonly readLedger: (paymentId: string | null) => WechatpayLedger;
};

/** WeChat Pay, APIv3: `/v3`. @throws {Error} naming the option that cannot be used. */
export function createWechatpayProvider(
  context: SandboxContext,
  options: WechatpayOptions,
  posting: Posting,
): WechatpayProvider {
  const firstKey = checkOptions(options);
  const { ledger, newId } = context;
  const events: WechatpayState['events'] = ledger.table('wechatpay_events');
  const settings: WechatpayState['settings'] = ledger.table('wechatpay_settings');
  const notificationKey = (): PlatformKey => {
    const chosen = settings.get('notification_key')?.serial;
    return options.platformKeys.find(({ serial }) => serial === chosen) ?? firstKey;
  };
  const deliveries = new Deliveries(
    context,
    wechatpaySender(context, options.apiV3Key, notificationKey),
    { ...posting, attemptTimeoutMs: Math.min(ackTimeoutMs, posting.attemptTimeoutMs) },
    { url: null, retryDelaysMs: notificationRetryDelaysMs }, // each payment says where it goes
    { contentOf: (eventId) => events.get(eventId)?.content, newId: () => newId('dlv_') },
  );
  const wechatpay: WechatpayState = {
    ...context,
    merchant: { appId: options.appId, mchId: options.mchId },
    orders: ledger.table('wechatpay_orders'),
    codes: ledger.table('wechatpay_codes'),
    transactions: ledger.table('wechatpay_transactions'),
    refunds: ledger.table('wechatpay_refunds'),
    events,
    plans: ledger.table('wechatpay_plans'),
    syntheticBills: ledger.table('wechatpay_synthetic_bills'),
    settings,
    deliver: ({ id, type, content }, url) => deliveries.announce({ eventId: id, type, content, url }),
    plan: (inMs, act, subject) => keepPlan(wechatpay, inMs, act, subject),
  };
  const api = new WechatpayApi(wechatpay, options, new BillDesk(wechatpay));
  return {
    provider: 'wechatpay',
    isApi: (path) => path === '/v3' || path.startsWith('/v3/'),
    serveApi: (request) => api.serve(request),
    pageKinds: ['wechatpay'],
    servePage: (request) => serveWechatpayPage(wechatpay, options, request),
    pendingPayments: () => pendingWechatpayPayments(wechatpay),
    actions: wechatpayConsole(wechatpay, options),
    readLedger: (paymentId) => readWechatpayLedger(wechatpay, paymentId),
    events: () => Array.from(events.all(), ({ content }): object => JSON.parse(content)),
    deliveries,
    resume: () => {
      resumePlans(wechatpay);
      deliveries.resume();
    },
  };
}

/** The first platform key, once everything can be used. */
function checkOptions({ apiV3Key, merchantSerial, merchantPublicKey, platformKeys }: WechatpayOptions): PlatformKey {
  if (!/^[\x21-\x7e]{32}$/.test(apiV3Key)) throw new Error('apiV3Key must be 32 ASCII characters.');
  if (!/^[0-9A-Fa-f]{40}$/.test(merchantSerial)) throw new Error('merchantSerial must be 40 hex digits.');
  mustBeKey('merchantPublicKey', () => createPublicKey(merchantPublicKey));
  for (const { serial, privateKey } of platformKeys) {
    if (!/^(PUB_KEY_ID_\w+|[0-9A-Fa-f]{40})$/.test(serial)) {
      throw new Error(`platformKeys: ${serial.slice(0, 80)} must be PUB_KEY_ID_… or 40 hex digits.`);
    }
    mustBeKey(`the private key of ${serial}`, () => createPrivateKey(privateKey));
  }
  const [first] = platformKeys;
  if (!first) throw new Error('platformKeys must hold one key at least.');
  return first;
}

function mustBeKey(name: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    throw new Error(`${name} must be an RSA key in PEM.`, { cause });
  }
}
