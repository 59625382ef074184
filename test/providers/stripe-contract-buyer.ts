import { stripeAt } from '../sandbox/rig.ts';
import type { Started } from './contract-rig.ts';

/** Pays an embedded payment by one of Stripe's test cards. */
export async function payByCard({ rig, report }: Started, card: string): Promise<void> {
  const { nextAction, providerPaymentId } = report;
  if (nextAction?.kind !== 'CONFIRM_CARD') throw new Error('There is no card form to fill in.');
  const body = new URLSearchParams({ client_secret: nextAction.clientSecret, payment_method: card });
  const headers = { Authorization: `Bearer ${nextAction.publishableKey}` };
  const url = `${rig.sandbox.url}/v1/payment_intents/${providerPaymentId}/confirm`;
  await (await fetch(url, { method: 'POST', headers, body })).text();
}

/** Presses a button of the hosted page. */
export async function pressOnPage({ rig, report }: Started, action: 'pay' | 'decline'): Promise<void> {
  if (report.nextAction?.kind !== 'REDIRECT') throw new Error('There is no page to go to.');
  await rig.press(report.nextAction.url, { action, card: '4242424242424242' });
}

/** The provider's own view of things, by its SDK. */
export const stripeOf = ({ rig }: Started) => stripeAt(rig.sandbox.url);

/** Pays on the page by a method that is settled later. */
export async function payLater(payment: Started, outcome: 'succeeded' | 'failed'): Promise<void> {
  await payment.rig.fault({ fault: `processing_then_${outcome}` });
  await pressOnPage(payment, 'pay');
  const [intent] = payment.rig.sandbox.ledger(payment.order.paymentId).stripe.paymentIntents;
  await payment.rig.sandbox.control(`/control/stripe/payment_intents/${intent?.id}/finish`, { outcome });
}

/** What is said of it when it failed, whoever is asked: nothing of the attempt itself, for its order among the others is not known. */
export const failedLater = {
  reason: 'provider_error',
  message: 'The payment did not go through.',
  providerCode: 'async_payment_failed',
  attempt: null,
};
