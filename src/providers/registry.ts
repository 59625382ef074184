import { alipayDefinition } from './alipay/setup.ts';
import type { ProviderDefinition } from './provider.ts';
import { stripeDefinition } from './stripe/setup.ts';
import { wechatpayDefinition } from './wechatpay/setup.ts';

/**
 * All providers, in the order in which their payment methods are offered to buyers. Each must pass the contract tests
 * in test/providers/contracts.ts.
 */
export const providerDefinitions: readonly ProviderDefinition[] = [
  stripeDefinition,
  alipayDefinition,
  wechatpayDefinition,
];
