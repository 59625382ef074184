/** The providers that the sandbox simulates, as its paths and its control API name them. */
export const providerKeys = ['stripe', 'alipay', 'wechatpay'] as const;
export type ProviderKey = (typeof providerKeys)[number];
