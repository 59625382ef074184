import { alipayDefinition } from './alipay/setup.ts';
import type { ProviderDefinition } from './provider.ts';
import { stripeDefinition } from './stripe/setup.ts';
import { wechatpayDefinition } from './wechatpay/setup.ts';

/**
 * Every provider that can be configured, in the order in which a buyer is offered what they take. Each keeps the promises that
 * test/providers/contracts.ts has it run.
 */
export const providerDefinitions: readonly ProviderDefinition[] = [
  stripeDefinition,
  alipayDefinition,
  wechatpayDefinition,
];
