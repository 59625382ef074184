import { mountFrame } from './card-frame.ts';
import { mountStripe } from './stripe-form.ts';

/** What became of a card that the buyer confirmed. */
export type CardResult =
  /** The bank has taken it, or is still deciding. The order's events say which. */
  | { readonly kind: 'accepted' }
  /** Fields are missing or wrong, and the form says which. Nothing was sent. */
  | { readonly kind: 'invalid' }
  /** The bank or the form's provider has refused it. The same form can be tried again. */
  | { readonly kind: 'refused'; readonly message: string | null };

export type CardAction = {
  readonly clientSecret: string;
  readonly publishableKey: string;
  readonly formUrl: string | null;
};

export type Appearance = {
  readonly theme: 'light' | 'dark';
  readonly language: 'en' | 'zh';
  /** The colour of the page's focus ring, `#rrggbb`. */
  readonly accent: string;
};

/** Card fields of another origin within the page: the page never sees what is typed into them. */
export type CardForm = {
  confirm(): Promise<CardResult>;
  update(appearance: Appearance): void;
  close(): void;
};

export type CardFormEvents = {
  onReady(): void;
  /** The buyer pressed Enter in a field. */
  onSubmit(): void;
  /** The form cannot be loaded here: pay on the provider's page instead. */
  onFailure(): void;
};

/** Shows Stripe's form, or the sandbox's where the payment is made there. */
export function mountCardForm(
  place: HTMLElement,
  action: CardAction,
  appearance: Appearance,
  events: CardFormEvents,
): CardForm {
  const { formUrl } = action;
  return formUrl === null
    ? mountStripe(place, action, appearance, events)
    : mountFrame(place, { ...action, formUrl }, appearance, events);
}
