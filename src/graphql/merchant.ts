import { setLatePaymentPolicy } from '../commands/set-late-payment-policy.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { latePaymentPolicies } from '../domain/order.ts';
import { builder } from './builder.ts';
import { actorOf } from './context.ts';
import { described } from './enums.ts';
import { Node } from './node.ts';
import { runAndRead } from './run-and-read.ts';

const LatePaymentPolicy = builder.enumType('LatePaymentPolicy', {
  description: 'How to handle money that arrives after its order was canceled or has expired.',
  values: described(latePaymentPolicies, {
    ACCEPT:
      'Apply it: the order becomes CONFIRMED, with the review reason LATE_PAYMENT, because the goods may no longer be available.',
    REFUND: 'Refund it automatically; void an authorization.',
    REVIEW: 'Hold it until an operator decides with `resolveReview`.',
  }),
});

builder.prismaObject('Merchant', {
  description: 'A merchant account.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The display name.' }),
    latePaymentPolicy: t.expose('latePaymentPolicy', {
      type: LatePaymentPolicy,
      description: 'How late money is handled. ACCEPT unless `setLatePaymentPolicy` changed it.',
    }),
  }),
});

builder.queryField('merchant', (t) =>
  t.prismaField({
    type: 'Merchant',
    nullable: true,
    description: 'The merchant account of the caller.',
    resolve: (query, _root, _args, context) =>
      context.commands.db.prisma.merchant.findUnique({ ...query, where: { id: actorOf(context).merchantId } }),
  }),
);

builder.mutationField('setLatePaymentPolicy', (t) =>
  t.prismaField({
    type: 'Merchant',
    nullable: true,
    description:
      'Sets how money is handled that arrives after its order was canceled or has expired. Applies to money that arrives from now on.',
    args: { policy: t.arg({ type: LatePaymentPolicy, required: true, description: 'The new policy.' }) },
    errors: {
      types: [ForbiddenError],
      union: { name: 'SetLatePaymentPolicyResult', description: 'The merchant, or an error.' },
    },
    resolve: (query, _root, { policy }, context) =>
      runAndRead(
        context,
        (commands, actor) => setLatePaymentPolicy(commands, actor, policy),
        (prisma, { id }) => prisma.merchant.findUniqueOrThrow({ ...query, where: { id } }),
      ),
  }),
);
