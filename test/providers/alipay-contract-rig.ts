import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import { createAlipayProvider } from '../../src/providers/alipay/adapter.ts';
import { actAtAlipay } from './alipay-contract-buyer.ts';
import { alipayCallbacks, alipayStates } from './alipay-contract-cases.ts';
import { appPrivatePem, config, fixture } from './alipay-rig.ts';
import type { FlowPromise, ProviderContract, ProviderRig, RigOptions } from './contract-rig.ts';
import { openBaseRig } from './contract-sandbox.ts';

const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const appPublicKey = createPublicKey(appPrivatePem).export({ type: 'spki', format: 'pem' }).toString();

async function open({ key }: RigOptions = {}): Promise<ProviderRig> {
  const { appId, sellerId } = config;
  const base = await openBaseRig(
    'alipay',
    () => ({ alipay: { appId, sellerId, appPublicKey, privateKey: fixture('alipay-key.pem') } }),
    ({ sandbox, now, webhookUrl }) =>
      createAlipayProvider({
        ...{ ...config, gateway: `${sandbox.url}/gateway.do`, now, notifyUrl: webhookUrl },
        ...(key && { privateKey: otherKey }),
      }),
  );
  const { sandbox, now } = base;
  return {
    ...base,
    stranger: createAlipayProvider({ ...config, sellerId: '2088000000000002', now, notifyUrl: 'https://else.example' }),
    visit: (payment) => actAtAlipay(payment, 'scan'),
    pay: (payment) => actAtAlipay(payment, 'pay'),
    truth({ paymentId }) {
      const ledger = sandbox.ledger(paymentId).alipay;
      const {
        trades = 0,
        charges = 0,
        captured = 0,
        refunded = 0,
        refundPending = 0,
      } = ledger?.totals[paymentId] ?? {};
      return {
        ...{ made: trades, charges, capturedMinor: BigInt(captured) },
        ...{ refundedMinor: BigInt(refunded + refundPending), refunds: ledger?.refunds.length ?? 0 },
      };
    },
    async refundInConsole({ order: { paymentId, providerPaymentId } }, amountMinor) {
      const amount = Number(amountMinor);
      const made = await sandbox.control('/control/alipay/refunds', { out_trade_no: paymentId, amount });
      return { refundId: null, paymentId, providerPaymentId, providerRefundId: String(made.outRequestNo) };
    },
    async endRefund({ refundId }, outcome) {
      await sandbox.control(`/control/alipay/refunds/${refundId}/${outcome}`);
    },
  };
}

const operations = { query: 'alipay.trade.query', close: 'alipay.trade.close' };
const page = {
  needs: { returnUrl: 'https://shop.example/thanks?order=A-1' },
  action: 'REDIRECT',
  madeBy: 'buyer',
  started: { providerPaymentId: null, providerReference: null },
  nextAction: { url: expect.stringMatching(/\/gateway\.do\?/), expiresAt: expect.stringMatching(/Z$/) },
  isRenewed: true,
  operations: { ...operations, start: null },
} as const;
const flows: readonly [FlowPromise, ...FlowPromise[]] = [
  { ...page, flow: 'REDIRECT' },
  { ...page, flow: 'MOBILE_WEB' },
  {
    ...page,
    flow: 'QR_CODE',
    needs: {},
    action: 'QR_CODE',
    nextAction: {
      content: expect.stringMatching(/^http/),
      imageUri: expect.stringMatching(/^data:image\//),
      expiresAt: expect.stringMatching(/Z$/),
    },
    operations: { ...operations, start: 'alipay.trade.precreate' },
  },
];

/** Alipay: desktop pages, mobile pages and QR codes. Nothing exists at Alipay before the buyer opens the payment. */
export const alipayContract: ProviderContract = {
  name: 'ALIPAY',
  open,
  price: { amountMinor: 1600n, currency: 'CNY' },
  flows,
  refusals: [
    ['another currency', { currency: 'EUR' }, 'EUR'],
    ['an amount above a hundred million yuan', { amountMinor: 10_000_000_001n }, '100000000.00'],
    ['an amount of nothing', { amountMinor: 0n }, '0.01'],
    ['money that is to be held', { captureMode: 'MANUAL' }, 'manual capture'],
  ],
  amounts: [1n, 2897n, 10_000_000_000n],
  states: alipayStates,
  failedRefund: 'notFound',
  refundOperations: { start: 'alipay.trade.refund', query: 'alipay.trade.fastpay.refund.query' },
  spoiledAnswers: ['bad_signature', 'unsigned', 'system_error'],
  callbacks: alipayCallbacks,
  callbackFlow: 'MOBILE_WEB',
  isDated: false, // retries run for a day, so old callbacks are genuine
  withheld: [/buyer_logon_id=/, /buyer_(?:open_)?id=/, /subject=/, /(?:^|&)sign=/],
  withoutSignature({ body, ...delivery }) {
    const form = new URLSearchParams(body.toString('latin1'));
    form.delete('sign');
    return { ...delivery, body: Buffer.from(form.toString(), 'latin1') };
  },
  signedContentOf({ body }) {
    // By bytes, whatever the charset: one character for each.
    const fields = body
      .toString('latin1')
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => /^([^=]*)=?(.*)$/s.exec(pair)?.slice(1).map(bytesOf) ?? []);
    const names = new Set(fields.map(([name]) => name));
    const isOnce = names.size === fields.length;
    return isOnce ? JSON.stringify(fields.sort(([one = ''], [other = '']) => (one < other ? -1 : 1))) : null;
  },
};

function bytesOf(escaped: string): string {
  return escaped
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
