import { alipayKind } from './alipay/kind.ts';
import type { ProviderKind } from './provider.ts';
import { stripeKind } from './stripe/kind.ts';
import { wechatpayKind } from './wechatpay/kind.ts';

/**
 * Every provider that can be configured, in the order in which a buyer is offered what they take. Each keeps the promises that
 * test/providers/contracts.ts has it run.
 */
export const providerKinds: readonly ProviderKind[] = [stripeKind, alipayKind, wechatpayKind];
