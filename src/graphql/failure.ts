import { builder } from './builder.ts';

type Failed = {
  readonly failureReason: string | null;
  readonly failureMessage: string | null;
  readonly failureProviderCode: string | null;
};

export const PaymentFailureType = builder.objectRef<Failed>('PaymentFailure').implement({
  description: 'Why money did not move.',
  fields: (t) => ({
    reason: t.string({
      description:
        'One of ours, for programs: `card_declined`, `insufficient_funds`, `expired_card`, `incorrect_cvc`, ' +
        '`authentication_failed`, `expired`, `limit_exceeded`, `provider_error`; of refunds also `canceled`, `closed`, ' +
        '`insufficient_balance` (yours), `buyer_account_unusable`, `abnormal`. New ones may be added.',
      resolve: ({ failureReason }) => failureReason ?? 'provider_error',
    }),
    message: t.string({
      description: 'For people; wording may change.',
      resolve: ({ failureMessage }) => failureMessage ?? 'The provider gave no reason.',
    }),
    providerCode: t.exposeString('failureProviderCode', { nullable: true, description: 'As the provider spelled it.' }),
  }),
});
