import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { MisconfiguredError, type Settings } from '../../src/providers/provider.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { stripeDefinition } from '../../src/providers/stripe/setup.ts';
import { publishableKey, secretKey, webhookSecret } from '../sandbox/rig.ts';
import { failureOf, patient } from './contract-steps.ts';
import { anOrderToPay } from './stripe-rig.ts';

/** Stripe, when it answers all by an error. */
async function openRefusing(status: number, error: object) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const apiBase = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const account = 'acct_1.test';
  const now = () => new Date();
  return createStripeProvider({ secretKey, publishableKey, webhookSecrets: [webhookSecret], apiBase, account, now });
}

test.each([
  [401, 'does not accept our key: check STRIPE_SECRET_KEY'],
  [403, 'check in Stripe’s dashboard what STRIPE_SECRET_KEY may do'],
])('a key that Stripe answers by %i is a matter of configuration, and says what to check', async (status, what) => {
  const provider = await openRefusing(status, { type: 'invalid_request_error', message: 'No.' });
  const failure = await failureOf(provider.startPayment(anOrderToPay(), patient()));
  expect(failure).toBeInstanceOf(MisconfiguredError);
  expect(failure).toMatchObject({ message: expect.stringContaining(what), retryAfterMs: 30_000 });
});

test('a callback by another secret says which variable to look at', async () => {
  const provider = await openRefusing(500, {});
  const receivedAt = new Date();
  const headers = { 'stripe-signature': `t=${Math.floor(receivedAt.getTime() / 1000)},v1=${'0'.repeat(64)}` };
  const verify = () => provider.verifyWebhook({ headers, body: Buffer.from('{}'), receivedAt });
  const cause = expect.objectContaining({ message: expect.stringContaining('check STRIPE_WEBHOOK_SECRETS') });
  expect(verify).toThrow(expect.objectContaining({ reason: 'BAD_SIGNATURE', cause }));
});

test('all that is wrong with the keys of cards is told at once', () => {
  const values: Readonly<Record<string, string>> = {
    STRIPE_SECRET_KEY: 'x',
    STRIPE_ACCOUNT: 'ours',
    STRIPE_API_BASE: 'http://a/v1',
  };
  const violations: string[] = [];
  const at = (name: string) => values[name] ?? null;
  const settings: Settings = {
    at,
    isSet: (name) => at(name) !== null,
    isProduction: true,
    allowsTest: false,
    violations,
    callers: [],
  };
  expect(stripeDefinition.readSetup(settings)).toBeNull();
  expect(violations.map((violation) => violation.split(' ', 1)[0])).toEqual([
    ...['Cards', 'STRIPE_SECRET_KEY', 'STRIPE_ACCOUNT', 'STRIPE_API_BASE'],
  ]);
});

test('a form of another origin takes no card numbers with a live key', () => {
  const values: Readonly<Record<string, string>> = {
    STRIPE_SECRET_KEY: 'sk_live_1',
    STRIPE_PUBLISHABLE_KEY: 'pk_live_1',
    STRIPE_WEBHOOK_SECRETS: 'whsec_12345678',
    STRIPE_CARD_FORM_URL: 'https://form.test',
  };
  const violations: string[] = [];
  const at = (name: string) => values[name] ?? null;
  const isSet = (name: string) => at(name) !== null;
  const settings: Settings = { at, isSet, isProduction: true, allowsTest: false, violations, callers: [] };
  expect(stripeDefinition.readSetup(settings)).toBeNull();
  expect(violations).toEqual([expect.stringContaining('STRIPE_CARD_FORM_URL must be unset with a live key')]);
});
