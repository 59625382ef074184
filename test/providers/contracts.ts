import { alipayContract } from './alipay-contract-rig.ts';
import type { ProviderContract } from './contract-rig.ts';
import { stripeContract } from './stripe-contract-rig.ts';
import { wechatpayContract } from './wechatpay-contract-rig.ts';

/** One line for each provider. */
export const contracts: readonly ProviderContract[] = [stripeContract, alipayContract, wechatpayContract];
