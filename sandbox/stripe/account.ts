import { createHash } from 'node:crypto';
import { type Endpoint, endpoint, ok } from './endpoints.ts';
import { expand } from './params.ts';
import type { StripeState } from './state.ts';

/** The account id of a key. It is derived from the key, so it survives the loss of the ledger. */
export function accountIdOf(secretKey: string): string {
  const digest = createHash('sha256').update(secretKey).digest('base64url').replaceAll(/[-_]/g, 'x');
  return `acct_1${digest.slice(0, 15)}`;
}

export const accountEndpoints: readonly Endpoint[] = [
  endpoint(
    { method: 'GET', path: '/v1/account', operation: 'account.retrieve' },
    { expand },
    () =>
      ({ accountId }: StripeState) =>
        ok({
          id: accountId,
          object: 'account',
          business_profile: { mcc: '5734', name: 'Paystream Sandbox', support_email: null, url: null },
          business_type: 'company',
          capabilities: { card_payments: 'active', transfers: 'active' },
          charges_enabled: true,
          country: 'DE',
          created: 1_767_225_600,
          default_currency: 'eur',
          details_submitted: true,
          email: 'sandbox@paystream.test',
          metadata: {},
          payouts_enabled: true,
          settings: { dashboard: { display_name: 'Paystream Sandbox', timezone: 'Etc/UTC' } },
          type: 'standard',
        }),
  ),
];
