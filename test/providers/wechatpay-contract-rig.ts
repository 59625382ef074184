import { createSecretKey } from 'node:crypto';
import { expect } from 'vitest';
import { createWechatpayProvider, type WechatpayOptions } from '../../src/providers/wechatpay/adapter.ts';
import type { FlowPromise, ProviderContract, ProviderRig, RigOptions } from './contract-rig.ts';
import { openBaseRig } from './contract-sandbox.ts';
import { actAtWechat } from './wechatpay-contract-buyer.ts';
import { wechatpayCallbacks, wechatpayStates } from './wechatpay-contract-cases.ts';
import { apiV3Key, appId, certified, mchId, merchant, merchantSerial, platform, publicKeyId } from './wechatpay-rig.ts';

const spki = { type: 'spki', format: 'pem' } as const;
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;

async function open({ key }: RigOptions = {}): Promise<ProviderRig> {
  const base = await openBaseRig(
    'wechatpay',
    () => ({
      wechatpay: {
        ...{ appId, mchId, merchantSerial, apiV3Key },
        merchantPublicKey: merchant.publicKey.export(spki).toString(),
        platformKeys: [{ serial: publicKeyId, privateKey: platform.privateKey.export(pkcs8).toString() }],
      },
    }),
    ({ sandbox, now, webhookUrl }) =>
      createWechatpayProvider({
        ...{ ...config, baseUrl: `${sandbox.url}/`, now, webhookUrl },
        ...(key && { privateKey: certified.privateKey }),
      }),
  );
  const { sandbox, now } = base;
  return {
    ...base,
    stranger: createWechatpayProvider({ ...config, mchId: '1900000110', now, webhookUrl: 'https://else.example' }),
    visit: async () => undefined, // the payment exists after the start
    pay: (payment) => actAtWechat(payment, 'pay'),
    truth({ paymentId }) {
      const ledger = sandbox.ledger(paymentId).wechatpay;
      const {
        transactions = 0,
        charges = 0,
        captured = 0,
        refunded = 0,
        refundPending = 0,
      } = ledger?.totals[paymentId] ?? {};
      return {
        ...{ made: transactions, charges, capturedMinor: BigInt(captured) },
        ...{ refundedMinor: BigInt(refunded + refundPending), refunds: ledger?.refunds.length ?? 0 },
      };
    },
    async refundInConsole({ order: { paymentId, providerPaymentId } }, amountMinor) {
      const amount = Number(amountMinor);
      const made = await sandbox.control('/control/wechatpay/refunds', { out_trade_no: paymentId, amount });
      return { refundId: null, paymentId, providerPaymentId, providerRefundId: String(made.out_refund_no) };
    },
    async endRefund({ refundId }, outcome) {
      await sandbox.control(`/control/wechatpay/refunds/${refundId}/${outcome}`);
    },
  };
}

const config: Omit<WechatpayOptions, 'now' | 'webhookUrl'> = {
  ...{ appId, mchId, serial: merchantSerial, privateKey: merchant.privateKey },
  apiV3Key: createSecretKey(Buffer.from(apiV3Key)),
  platformKeys: new Map([[publicKeyId, platform.publicKey]]),
  baseUrl: 'http://127.0.0.1:9/',
};

const operations = { query: 'transactions.query', close: 'transactions.close' };
const expiresAt = expect.stringMatching(/Z$/);
const common = {
  madeBy: 'start',
  started: { providerPaymentId: null, providerReference: null },
  isRenewed: true,
} as const;
const flows: readonly [FlowPromise, ...FlowPromise[]] = [
  {
    ...{ ...common, flow: 'QR_CODE', needs: {}, action: 'QR_CODE' },
    nextAction: {
      ...{
        content: expect.stringMatching(/^weixin:\/\//),
        imageUri: expect.stringMatching(/^data:image\//),
        expiresAt,
      },
    },
    operations: { ...operations, start: 'native.create' },
  },
  {
    ...{ ...common, flow: 'MOBILE_WEB', needs: { buyerIp: '203.0.113.7' }, action: 'REDIRECT' },
    nextAction: { url: expect.stringMatching(/^http/), expiresAt },
    operations: { ...operations, start: 'h5.create' },
  },
  {
    ...{ ...common, flow: 'IN_APP', needs: { openId: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' }, action: 'WECHAT_PAY_BRIDGE' },
    nextAction: {
      ...{ appId, signType: 'RSA', timeStamp: expect.stringMatching(/^\d{10}$/), nonceStr: expect.any(String) },
      ...{ package: expect.stringMatching(/^prepay_id=/), paySign: expect.any(String), expiresAt },
    },
    operations: { ...operations, start: 'jsapi.create' },
  },
];

/** WeChat Pay: QR codes, pages in a phone’s browser, and payments inside WeChat. */
export const wechatpayContract: ProviderContract = {
  name: 'WECHATPAY',
  open,
  price: { amountMinor: 1600n, currency: 'CNY' },
  flows,
  refusals: [
    ['another currency', { currency: 'EUR' }, 'EUR'],
    ['an amount that is larger than its numbers', { amountMinor: 2_147_483_648n }, 'at most 21474836.47 CNY'],
    ['an amount of nothing', { amountMinor: 0n }, 'at least 0.01 CNY'],
    ['money that is to be held', { captureMode: 'MANUAL' }, 'manual capture'],
  ],
  amounts: [1n, 2897n, 2_147_483_647n],
  states: wechatpayStates,
  failedRefund: 'PENDING', // its card is void: it must be completed in the merchant platform
  refundOperations: { start: 'refunds.create', query: 'refunds.query' },
  spoiledAnswers: ['bad_signature', 'unsigned', 'wrong_serial', 'probe'],
  callbacks: wechatpayCallbacks,
  callbackFlow: 'QR_CODE',
  isDated: true,
  withheld: [],
  withoutSignature: ({ headers: { 'wechatpay-signature': _signature, ...headers }, ...delivery }) => ({
    ...{ ...delivery, headers },
  }),
  signedContentOf({ headers, body }) {
    const names = ['wechatpay-timestamp', 'wechatpay-nonce', 'wechatpay-serial', 'wechatpay-signature'];
    return JSON.stringify([...names.map((name) => headers[name] ?? null), body.toString('latin1')]);
  },
};
