import { builder } from './builder.ts';

type Failed = {
  readonly failureReason: string | null;
  readonly failureMessage: string | null;
  readonly failureProviderCode: string | null;
};

export const PaymentFailureType = builder.objectRef<Failed>('PaymentFailure').implement({
  description: 'Why a payment, a capture or a refund failed.',
  fields: (t) => ({
    reason: t.string({
      description:
        'The machine-readable reason: `card_declined`, `insufficient_funds`, `expired_card`, `incorrect_cvc`, ' +
        '`authentication_failed`, `expired`, `limit_exceeded` or `provider_error`; for refunds also `canceled`, `closed`, ' +
        '`insufficient_balance` (the merchant’s), `buyer_account_unusable` and `abnormal`; `rejected` when another person did not approve the refund; `superseded` when its amount was refunded at the provider while it waited for approval; `operator` when `resolveReview` stated the ' +
        'failure. New values may be added.',
      resolve: ({ failureReason }) => failureReason ?? 'provider_error',
    }),
    message: t.string({
      description: 'A text for people. The wording may change.',
      resolve: ({ failureMessage }) => failureMessage ?? 'The provider gave no reason.',
    }),
    providerCode: t.exposeString('failureProviderCode', {
      nullable: true,
      description: 'The provider’s own error code; null when it gave none.',
    }),
  }),
});
