import { InvalidInputError, MethodNotAvailableError, type PaymentMethodOption } from '../domain/errors.ts';
import type { Order } from '../domain/order.ts';
import type { PaymentFlow, PaymentMethod } from '../domain/payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import type { BuyerField, PaymentProvider } from '../providers/provider.ts';

type Offer = Pick<Order, 'totalMinor' | 'currency' | 'captureMode'>;

/** The payment methods of the merchant that accept the order's amount, currency and capture mode. */
export async function paymentMethodsOf(
  context: CommandContext,
  order: Offer & Pick<Order, 'merchantId'>,
): Promise<PaymentMethodOption[]> {
  return optionsOf(await context.accounts.payableBy(order.merchantId), order);
}

function optionsOf(providers: readonly PaymentProvider[], order: Offer): PaymentMethodOption[] {
  const accepting = providers.filter((provider) => provider.refusalOf(offerOf(order)) === null);
  return accepting
    .filter(({ method }, index) => accepting.findIndex((other) => other.method === method) === index)
    .map(({ method, flows, needs }) => ({
      ...{ method, flows },
      needs: flows.map((flow) => ({ flow, fields: needs[flow] ?? [] })),
    }));
}

function offerOf({ totalMinor, currency, captureMode }: Offer) {
  return { amountMinor: totalMinor, currency, captureMode };
}

const whatFor: Readonly<Record<BuyerField, string>> = {
  returnUrl: 'the provider redirects the buyer there after the payment',
  openId: 'it identifies the buyer at the provider',
  buyerIp: 'the provider requires the buyer’s IP address as your server sees it',
};

/** The wanted method and flow, and the fields that some flows need from the buyer. */
type WantedMethod = {
  readonly method: PaymentMethod;
  readonly flow?: PaymentFlow | null | undefined;
} & { readonly [field in BuyerField]?: string | null | undefined };

/**
 * The provider and the flow of a new payment. Of several accounts for a method, the first one that accepts the order is used.
 *
 * @param providers the accounts of the merchant in order of preference.
 *
 * @throws {MethodNotAvailableError} with the alternatives. @throws {InvalidInputError} for fields that the flow needs.
 */
export function chooseMethod(
  providers: readonly PaymentProvider[],
  order: Offer,
  wanted: WantedMethod,
): { readonly provider: PaymentProvider; readonly flow: PaymentFlow } {
  const available = optionsOf(providers, order);
  const suitable = providers.filter(({ method }) => method === wanted.method);
  const provider = suitable.find((candidate) => candidate.refusalOf(offerOf(order)) === null) ?? suitable[0];
  if (provider === undefined)
    throw new MethodNotAvailableError(
      `${wanted.method} is not available: it is not configured, or its provider does not answer.`,
      available,
    );
  const refusal = provider.refusalOf(offerOf(order));
  if (refusal !== null) throw new MethodNotAvailableError(refusal, available);
  const flow = wanted.flow ?? provider.flows[0];
  if (flow === undefined || !provider.flows.includes(flow)) {
    throw new MethodNotAvailableError(`${wanted.method} does not support the flow ${wanted.flow}.`, available);
  }
  const missing = (provider.needs[flow] ?? []).filter((field) => wanted[field] == null);
  if (missing.length > 0) {
    throw new InvalidInputError(
      missing.map((field) => ({ path: field, message: `is required with ${flow}: ${whatFor[field]}.` })),
    );
  }
  return { provider, flow };
}
