import type { Appearance, CardAction, CardForm, CardFormEvents, CardResult } from './card-form.ts';
import { returnAddress } from './link.ts';

/** Stripe requires that its script is loaded from its own origin. https://docs.stripe.com/sdks/stripejs-versioning */
const scriptUrl = 'https://js.stripe.com/dahlia/stripe.js';

/** The part of Stripe.js that the checkout uses. https://docs.stripe.com/js */
type Stripe = {
  elements(options: object): Elements;
  confirmPayment(options: object): Promise<{ readonly error?: { readonly type: string; readonly message?: string } }>;
};
type Elements = {
  create(type: 'payment', options: object): PaymentElement;
  update(options: object): void;
};
type PaymentElement = {
  mount(place: HTMLElement): void;
  on(event: 'ready' | 'loaderror', listen: () => void): void;
  destroy(): void;
};
type StripeFactory = (publishableKey: string, options?: object) => Stripe;

let loading: Promise<StripeFactory> | null = null;

/** Stripe's Payment Element for cards. 3-D Secure opens above the page. */
export function mountStripe(
  place: HTMLElement,
  { clientSecret, publishableKey }: CardAction,
  appearance: Appearance,
  events: CardFormEvents,
): CardForm {
  let current = appearance;
  let isClosed = false;
  let parts: { readonly stripe: Stripe; readonly elements: Elements; readonly element: PaymentElement } | null = null;
  const open = async () => {
    const create = await loadStripe();
    if (isClosed) return;
    const stripe = create(publishableKey, { locale: current.language });
    const elements = stripe.elements({ clientSecret, locale: current.language, appearance: styleOf(current) });
    const wallets = { applePay: 'never', googlePay: 'never' };
    const element = elements.create('payment', { layout: 'accordion', wallets, terms: { card: 'never' } });
    element.on('ready', () => events.onReady());
    element.on('loaderror', () => events.onFailure());
    element.mount(place);
    parts = { stripe, elements, element };
  };
  open().catch(() => {
    if (!isClosed) events.onFailure();
  });
  return {
    async confirm(): Promise<CardResult> {
      if (parts === null) return { kind: 'invalid' };
      const { error } = await parts.stripe.confirmPayment({
        elements: parts.elements,
        redirect: 'if_required',
        confirmParams: { return_url: returnAddress(location) },
      });
      if (error === undefined) return { kind: 'accepted' };
      return error.type === 'validation_error'
        ? { kind: 'invalid' }
        : { kind: 'refused', message: error.message ?? null };
    },
    update(next) {
      current = next;
      parts?.elements.update({ locale: next.language, appearance: styleOf(next) });
    },
    close() {
      isClosed = true;
      parts?.element.destroy();
    },
  };
}

function styleOf({ theme, accent }: Appearance): object {
  return { theme: theme === 'dark' ? 'night' : 'stripe', variables: { colorPrimary: accent, borderRadius: '8px' } };
}

function loadStripe(): Promise<StripeFactory> {
  loading ??= new Promise<StripeFactory>((resolve, reject) => {
    const script = document.createElement('script');
    script.src = scriptUrl;
    script.onload = () => {
      const { Stripe: create } = window as { Stripe?: StripeFactory };
      if (create === undefined) reject(new Error('Stripe.js did not start.'));
      else resolve(create);
    };
    script.onerror = () => {
      script.remove();
      loading = null; // a later try loads it again
      reject(new Error('Stripe.js could not be loaded.'));
    };
    document.head.append(script);
  });
  return loading;
}
