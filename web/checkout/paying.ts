import type { PayResult, PaystreamClient } from '@paystream/client';
import { useCallback, useRef, useState } from 'react';
import { useReturnByHistory } from '../shared/use-return-by-history.ts';
import { type CheckoutLink, lend, returnAddress } from './link.ts';
import type { CheckoutOrder, PaymentFlow, PaymentMethod } from './order.ts';

/** Why a payment could not be started. Nothing was charged. */
export type Problem = 'unavailable' | 'noAnswer' | 'limited' | 'inProgress' | 'notAvailable' | 'notCharged';

export type Paying = {
  /** The method that is being started; null when none is. */
  readonly starting: PaymentMethod | null;
  /** The buyer is on the way to the provider's page. */
  readonly isLeaving: boolean;
  readonly problem: { readonly kind: Problem; readonly method: PaymentMethod } | null;
  start(method: PaymentMethod, flow: PaymentFlow): Promise<void>;
  /** The same payment, with a new next action. */
  renew(method: PaymentMethod, flow: PaymentFlow): Promise<void>;
};

/** How long the token is left on the device for a provider's app that opens the return address in another tab. */
const lentMs = 30 * 60_000;

/** Pays by `client.pay`, which charges once whatever happens to the page. One call at a time: a second click is the first one again. */
export function usePaying(
  client: PaystreamClient,
  link: CheckoutLink,
  order: CheckoutOrder,
  reload: () => Promise<unknown>,
): Paying {
  const [starting, setStarting] = useState<PaymentMethod | null>(null);
  const [isLeaving, setLeaving] = useState(false);
  const [problem, setProblem] = useState<Paying['problem']>(null);
  const isBusy = useRef(false);
  const seen = useRef(order);
  seen.current = order;

  useReturnByHistory(useCallback(() => setLeaving(false), []));

  const pay = useCallback(
    async (method: PaymentMethod, flow: PaymentFlow): Promise<PayResult> => {
      const input = { orderId: link.orderId, method, flow, returnUrl: returnAddress(location) };
      const result = await client.pay(input);
      // The last attempt ended while nobody looked: the buyer has seen that, and wants another one.
      const isOld = result.kind === 'failed' && seen.current.payments.some(({ id }) => id === result.payment.id);
      return isOld ? client.pay(input) : result;
    },
    [client, link],
  );

  const start = useCallback(
    async (method: PaymentMethod, flow: PaymentFlow) => {
      if (isBusy.current) return;
      isBusy.current = true;
      setStarting(method);
      setProblem(null);
      let kind: Problem | null = null;
      try {
        const result = await pay(method, flow);
        kind = problemOf(result);
        if (result.kind === 'actionRequired' && result.action.__typename === 'RedirectAction') {
          setLeaving(true);
          if (flow === 'MOBILE_WEB') keepForReturn(link);
          location.assign(result.action.url);
        }
      } catch {
        kind = 'notCharged';
      }
      if (kind !== null) setProblem({ kind, method });
      await reload();
      isBusy.current = false;
      setStarting(null);
    },
    [pay, reload, link],
  );

  const renew = useCallback(
    async (method: PaymentMethod, flow: PaymentFlow) => {
      if (isBusy.current) return;
      isBusy.current = true;
      await pay(method, flow).catch(() => undefined);
      await reload();
      isBusy.current = false;
    },
    [pay, reload],
  );

  return { starting, isLeaving, problem, start, renew };
}

function keepForReturn(link: CheckoutLink): void {
  try {
    lend(localStorage, link, Date.now() + lentMs);
  } catch {
    // Without storage the buyer comes back by the shop's link.
  }
}

function problemOf(result: PayResult): Problem | null {
  switch (result.kind) {
    case 'paid':
    case 'authorized':
    case 'actionRequired':
    case 'processing':
    case 'notPayable': // the order says why
      return null;
    case 'failed':
    case 'invalid':
    case 'refused':
      return 'notCharged';
    case 'inProgress':
      return 'inProgress';
    case 'methodNotAvailable':
      return 'notAvailable';
    case 'limited':
      return 'limited';
    case 'unavailable':
      return 'unavailable';
    case 'unknown':
      return 'noAnswer';
  }
}
