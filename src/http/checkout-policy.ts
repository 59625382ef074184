import type { PageSources } from './pages.ts';

/**
 * What the checkout may load beyond what all pages may: Stripe's script, which Stripe serves itself, the frames in which cards are entered, and
 * the frame of 3-D Secure. https://docs.stripe.com/security/guide#content-security-policy
 *
 * @param cardForms the origins of card forms that take the place of Stripe's.
 * @param hasStripe whether cards may also be entered at Stripe.
 */
export function checkoutSources(cardForms: readonly string[], hasStripe: boolean): PageSources {
  const forms = [...new Set(cardForms)];
  if (!hasStripe) return { 'frame-src': forms };
  return {
    'script-src': ['https://js.stripe.com'],
    'connect-src': ['https://api.stripe.com'],
    'frame-src': ['https://js.stripe.com', 'https://hooks.stripe.com', ...forms],
  };
}
