import type { NextAction as Action, PaymentStatus } from '../domain/payment.ts';
import { builder } from './builder.ts';

type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

const expiry =
  'The time until which the buyer can use this action; never later than the order’s `expiresAt`. Null when the provider sets no limit ' +
  'of its own: the order’s `expiresAt` applies.';
const instantOf = ({ expiresAt }: { readonly expiresAt: string | null }) =>
  expiresAt === null ? null : new Date(expiresAt);

const RedirectAction = builder.objectRef<ActionOf<'REDIRECT'>>('RedirectAction').implement({
  description: 'Send the buyer’s browser to `url`.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'The address of the provider’s page.' }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, description: expiry, resolve: instantOf }),
  }),
});

const QrCodeAction = builder.objectRef<ActionOf<'QR_CODE'>>('QrCodeAction').implement({
  description: 'Show a QR code that the buyer scans with the provider’s app.',
  fields: (t) => ({
    content: t.exposeString('content', { description: 'The content to encode as a QR code.' }),
    imageUri: t.exposeString('imageUri', { description: 'The QR code as an image: a `data:image/svg+xml` URI.' }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, description: expiry, resolve: instantOf }),
  }),
});

const ConfirmCardAction = builder.objectRef<ActionOf<'CONFIRM_CARD'>>('ConfirmCardAction').implement({
  description: 'Confirm the card payment in the buyer’s browser with Stripe.js.',
  fields: (t) => ({
    clientSecret: t.exposeString('clientSecret', {
      description: 'The secret that lets the buyer’s browser confirm this payment, and nothing else. Do not log it.',
    }),
    publishableKey: t.exposeString('publishableKey', { description: 'The key to initialize Stripe.js with.' }),
    formUrl: t.string({
      nullable: true,
      description:
        'The address of a page with card fields, to embed in place of Stripe.js: the sandbox has one, see sandbox/README.md. Null at Stripe.',
      resolve: ({ formUrl }) => formUrl ?? null,
    }),
  }),
});

const WeChatPayBridgeAction = builder.objectRef<ActionOf<'WECHAT_PAY_BRIDGE'>>('WeChatPayBridgeAction').implement({
  description:
    'Open WeChat Pay from a page inside WeChat: pass `appId`, `timeStamp`, `nonceStr`, `package`, `signType` and `paySign` unchanged to ' +
    'WeixinJSBridge’s `getBrandWCPayRequest`. In a mini program, pass the same fields without `appId` to `wx.requestPayment`. Do not pass ' +
    '`expiresAt`.',
  fields: (t) => ({
    appId: t.exposeString('appId', {
      description: 'The app id of the official account or mini program that the payment belongs to.',
    }),
    timeStamp: t.exposeString('timeStamp', { description: 'Unix time in seconds, as text.' }),
    nonceStr: t.exposeString('nonceStr', { description: 'A random text.' }),
    package: t.exposeString('package', { description: 'The prepay session: `prepay_id=…`.' }),
    signType: t.exposeString('signType', { description: 'The signature algorithm: `RSA`.' }),
    paySign: t.exposeString('paySign', {
      description: 'The merchant’s signature of `appId`, `timeStamp`, `nonceStr` and `package`.',
    }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, description: expiry, resolve: instantOf }),
  }),
});

const types = {
  REDIRECT: RedirectAction,
  QR_CODE: QrCodeAction,
  CONFIRM_CARD: ConfirmCardAction,
  WECHAT_PAY_BRIDGE: WeChatPayBridgeAction,
} as const;

export const NextAction = builder.unionType('NextAction', {
  description: 'The next action: what the buyer’s page must do so that the buyer can pay.',
  types: [RedirectAction, QrCodeAction, ConfirmCardAction, WeChatPayBridgeAction],
  resolveType: ({ kind }) => types[kind],
});

/**
 * Returns the next action of a payment row, with `expiresAt` limited to that of the payment. A provider's own limit can be later (Stripe
 * keeps a Checkout page for at least 30 minutes), but Paystream closes the payment at the payment's `expiresAt`.
 * The column needs no parsing: only the store writes it, with the type of `PaymentPlan.nextAction`.
 */
export function nextActionOf({
  status,
  nextAction,
  expiresAt,
}: {
  readonly status: PaymentStatus;
  readonly nextAction: unknown;
  readonly expiresAt: Date;
}): Action | null {
  const action = status === 'ACTION_REQUIRED' ? (nextAction as Action | null) : null;
  if (action === null || !('expiresAt' in action) || action.expiresAt === null) return action;
  return new Date(action.expiresAt) > expiresAt ? { ...action, expiresAt: expiresAt.toISOString() } : action;
}
