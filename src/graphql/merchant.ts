import { allowsReturnTo, webUrlOf } from '../commands/return-url.ts';
import { setLatePaymentPolicy } from '../commands/set-late-payment-policy.ts';
import { setRefundLimits } from '../commands/set-refund-limits.ts';
import { updateMerchant } from '../commands/update-merchant.ts';
import { ForbiddenError, InvalidInputError } from '../domain/errors.ts';
import { latePaymentPolicies } from '../domain/order.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { described } from './enums.ts';
import { MoneyType } from './money.ts';
import { Node } from './node.ts';
import { runAndRead } from './run-and-read.ts';
import { isStaff } from './scope.ts';

const LatePaymentPolicy = builder.enumType('LatePaymentPolicy', {
  description: 'How to handle money that arrives after its order was canceled or has expired.',
  values: described(latePaymentPolicies, {
    ACCEPT:
      'Apply it: the order becomes CONFIRMED, with the review reason LATE_PAYMENT, because the goods may no longer be available.',
    REFUND: 'Refund it automatically; void an authorization.',
    REVIEW: 'Hold it until an operator decides with `resolveReview`.',
  }),
});

/** The stored form of the limits, which `setRefundLimits` has validated. */
type StoredLimits = readonly { readonly currency: string; readonly amount_minor: string }[] | null;

/** What the merchant decides about its business is not for buyers. @throws {ForbiddenError} */
function checkStaff(context: GraphqlContext, field: string): void {
  const caller = actorOf(context);
  if (!isStaff(caller)) throw new ForbiddenError(`Merchant.${field} is not allowed for the role ${caller.role}.`);
}

const notForBuyers = 'FORBIDDEN for customers and buyers.';

export const Merchant = builder.prismaObject('Merchant', {
  description: 'A merchant account.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The display name.' }),
    brandColor: t.exposeString('brandColor', {
      nullable: true,
      description: 'The colour of the checkout page, `#rrggbb` in lower case; null when none was chosen.',
    }),
    allowsReturnTo: t.boolean({
      description:
        'Whether buyers may be sent to this http or https URL after paying: its origin is among `returnOrigins`, or that of the ' +
        'checkout. A page asks before it ' +
        'follows a link that it was given.',
      args: { url: t.arg.string({ required: true, description: 'The URL.' }) },
      resolve: (_merchant, { url }, context) => {
        const address = webUrlOf(url);
        return address !== null && allowsReturnTo(actorOf(context).returnOrigins, address);
      },
    }),
    latePaymentPolicy: t.field({
      type: LatePaymentPolicy,
      description: `How late money is handled. ACCEPT unless \`setLatePaymentPolicy\` changed it. ${notForBuyers}`,
      resolve: ({ latePaymentPolicy }, _args, context) => {
        checkStaff(context, 'latePaymentPolicy');
        return latePaymentPolicy;
      },
    }),
    returnOrigins: t.stringList({
      description: `The web origins that buyers may return to after paying; \`*\` stands for all. ${notForBuyers}`,
      resolve: ({ returnOrigins }, _args, context) => {
        checkStaff(context, 'returnOrigins');
        return returnOrigins;
      },
    }),
    webOrigins: t.stringList({
      description:
        'The origins of the web pages that may call the API from the browser; `*` stands for all. Pages of other origins are FORBIDDEN. ' +
        notForBuyers,
      resolve: ({ webOrigins }, _args, context) => {
        checkStaff(context, 'webOrigins');
        return webOrigins;
      },
    }),
    refundLimits: t.field({
      type: [MoneyType],
      nullable: true,
      description:
        'The amounts above which an operator’s refunds of an order wait for another person. In a currency without a limit every refund waits. ' +
        `Null when no refund waits. ${notForBuyers}`,
      resolve: ({ refundLimits }, _args, context) => {
        checkStaff(context, 'refundLimits');
        const limits = refundLimits as StoredLimits;
        return limits?.map(({ currency, amount_minor: amount }) => ({ currency, amountMinor: BigInt(amount) })) ?? null;
      },
    }),
  }),
});

/** The caller's merchant, in full. Reads at the same moment are one statement: Prisma gathers them. */
export function loadMerchant(context: GraphqlContext) {
  return context.commands.db.prisma.merchant.findUniqueOrThrow({ where: { id: actorOf(context).merchantId } });
}

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
        (id) => context.commands.db.prisma.merchant.findUniqueOrThrow({ ...query, where: { id } }),
      ),
  }),
);

const RefundLimitInput = builder.inputType('RefundLimitInput', {
  description: 'The limit in one currency.',
  fields: (t) => ({
    currency: t.field({ type: 'CurrencyCode', required: true, description: 'The currency.' }),
    amountMinor: t.field({
      type: 'MinorUnits',
      required: true,
      description: 'The highest sum of refunds of one order that needs no approval, in minor units.',
    }),
  }),
});

builder.mutationField('setRefundLimits', (t) =>
  t.prismaField({
    type: 'Merchant',
    nullable: true,
    description:
      'Sets the amounts above which an operator’s refunds of an order wait for another person. Replaces all limits. In a currency without a ' +
      'limit every refund waits; null removes all limits. Refunds that wait already go on waiting.',
    args: {
      limits: t.arg({ type: [RefundLimitInput], description: 'The limits, each currency once; null for none.' }),
    },
    errors: {
      types: [InvalidInputError, ForbiddenError],
      union: { name: 'SetRefundLimitsResult', description: 'The merchant, or an error.' },
    },
    resolve: (query, _root, { limits }, context) =>
      runAndRead(
        context,
        (commands, actor) => setRefundLimits(commands, actor, limits),
        (id) => context.commands.db.prisma.merchant.findUniqueOrThrow({ ...query, where: { id } }),
      ),
  }),
);

builder.mutationField('updateMerchant', (t) =>
  t.prismaField({
    type: 'Merchant',
    nullable: true,
    description: 'Changes the name, the origins or the colour of the merchant; null leaves one as it is.',
    args: {
      name: t.arg.string({ description: 'The display name, 1 to 128 characters.' }),
      returnOrigins: t.arg.stringList({
        description:
          'The web origins that buyers may return to after paying, such as `https://shop.example`, 1 to 20. Replaces all of them.',
      }),
      webOrigins: t.arg.stringList({
        description:
          'The origins of the web pages that may call the API from the browser, such as `https://shop.example`, 0 to 20. Replaces all of them.',
      }),
      brandColor: t.arg.string({ description: 'The colour of the checkout page, `#rrggbb`, such as `#0a7d4b`.' }),
    },
    errors: {
      types: [InvalidInputError, ForbiddenError],
      union: { name: 'UpdateMerchantResult', description: 'The merchant, or an error.' },
    },
    resolve: (query, _root, input, context) =>
      runAndRead(
        context,
        async (commands, { merchantId }) =>
          (await updateMerchant(commands, merchantId, input, context.administration.isProduction)).id,
        (id) => context.commands.db.prisma.merchant.findUniqueOrThrow({ ...query, where: { id } }),
      ),
  }),
);
