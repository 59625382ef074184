/** How the nodes and the sandbox know each other. Nobody listens at these addresses: requests are handed over. */
export const stripeKeys = {
  secretKey: 'sk_test_prove',
  publishableKey: 'pk_test_prove',
  webhookSecret: 'whsec_prove',
  webhookUrl: 'http://nodes.invalid/webhooks/stripe',
  apiBase: 'http://sandbox.invalid',
} as const;
