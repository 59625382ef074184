import type { NextAction as Action, PaymentStatus } from '../domain/payment.ts';
import { builder } from './builder.ts';

type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

const expiry =
  'Until when: as the provider says, and never later than the order’s own `expiresAt`, at which we have the provider close it. Null when ' +
  'the provider sets no limit of its own.';
const instantOf = ({ expiresAt }: { readonly expiresAt: string | null }) =>
  expiresAt === null ? null : new Date(expiresAt);

const RedirectAction = builder.objectRef<ActionOf<'REDIRECT'>>('RedirectAction').implement({
  description: 'Send the browser there.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'The provider’s page.' }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, description: expiry, resolve: instantOf }),
  }),
});

const QrCodeAction = builder.objectRef<ActionOf<'QR_CODE'>>('QrCodeAction').implement({
  description: 'Show this as a QR code.',
  fields: (t) => ({
    content: t.exposeString('content', { description: 'What the code says.' }),
    imageUri: t.exposeString('imageUri', { description: 'The same as an image: a `data:image/svg+xml` URI.' }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, description: expiry, resolve: instantOf }),
  }),
});

const ConfirmCardAction = builder.objectRef<ActionOf<'CONFIRM_CARD'>>('ConfirmCardAction').implement({
  description: 'Confirm with Stripe.js.',
  fields: (t) => ({
    clientSecret: t.exposeString('clientSecret', {
      description: 'Lets the buyer’s browser confirm this payment, and nothing else. Not for logs.',
    }),
    publishableKey: t.exposeString('publishableKey', { description: 'What Stripe.js is opened with.' }),
  }),
});

const WeChatPayBridgeAction = builder.objectRef<ActionOf<'WECHAT_PAY_BRIDGE'>>('WeChatPayBridgeAction').implement({
  description:
    'What a page inside WeChat hands to WeixinJSBridge’s getBrandWCPayRequest: `appId`, `timeStamp`, `nonceStr`, `package`, `signType` and ' +
    '`paySign`, unchanged, and no more: `expiresAt` is for the page itself. A mini program hands the same to wx.requestPayment, without ' +
    '`appId`.',
  fields: (t) => ({
    appId: t.exposeString('appId', {
      description: 'Of the official account or mini program that the payment was made for.',
    }),
    timeStamp: t.exposeString('timeStamp', { description: 'Unix seconds, as text.' }),
    nonceStr: t.exposeString('nonceStr', { description: 'A random text, different each time.' }),
    package: t.exposeString('package', { description: '`prepay_id=…`' }),
    signType: t.exposeString('signType', { description: '`RSA`' }),
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
  description: 'How the buyer acts.',
  types: [RedirectAction, QrCodeAction, ConfirmCardAction, WeChatPayBridgeAction],
  resolveType: ({ kind }) => types[kind],
});

/**
 * The column holds what `PaymentPlan` says and only the store writes it. A provider’s own limit may be later than the payment’s, as Stripe
 * keeps no Checkout page for less than half an hour: the buyer’s is the payment’s then, for it is closed at that instant.
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
