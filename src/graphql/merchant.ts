import { setLatePaymentPolicy } from '../commands/set-late-payment-policy.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { latePaymentPolicies } from '../domain/order.ts';
import { builder } from './builder.ts';
import { actorOf } from './context.ts';
import { described } from './enums.ts';
import { Node } from './node.ts';
import { runAndRead } from './run-and-read.ts';

const LatePaymentPolicy = builder.enumType('LatePaymentPolicy', {
  description: 'What becomes of money that arrives after its order was canceled or has expired.',
  values: described(latePaymentPolicies, {
    ACCEPT: 'It pays the order, which is confirmed; a person is told, for what was ordered may be gone.',
    REFUND: 'It goes back by itself; an authorization is given back.',
    REVIEW: 'It waits for a person: see `resolveReview`.',
  }),
});

builder.prismaObject('Merchant', {
  description: 'Whoever sells.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For people.' }),
    latePaymentPolicy: t.expose('latePaymentPolicy', {
      type: LatePaymentPolicy,
      description: 'What becomes of money that arrives after its order was closed.',
    }),
  }),
});

builder.queryField('merchant', (t) =>
  t.prismaField({
    type: 'Merchant',
    nullable: true,
    description: 'The merchant for whom the caller acts.',
    resolve: (query, _root, _args, context) =>
      context.commands.db.prisma.merchant.findUnique({ ...query, where: { id: actorOf(context).merchantId } }),
  }),
);

builder.mutationField('setLatePaymentPolicy', (t) =>
  t.prismaField({
    type: 'Merchant',
    nullable: true,
    description:
      'Says what becomes of money that arrives from now on after its order was closed. ACCEPT until it is called.',
    args: { policy: t.arg({ type: LatePaymentPolicy, required: true, description: 'From now on.' }) },
    errors: {
      types: [ForbiddenError],
      union: { name: 'SetLatePaymentPolicyResult', description: 'The merchant, or why nothing was set.' },
    },
    resolve: (query, _root, { policy }, context) =>
      runAndRead(
        context,
        (commands, actor) => setLatePaymentPolicy(commands, actor, policy),
        (prisma, { id }) => prisma.merchant.findUniqueOrThrow({ ...query, where: { id } }),
      ),
  }),
);
