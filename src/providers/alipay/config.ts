import type { KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { AlipayKey } from './signature.ts';

/** At least one key. */
export type AlipayKeys = readonly [AlipayKey, ...AlipayKey[]];

export type AlipayConfig = {
  readonly appId: string;
  /** The merchant account that receives the money: `2088…`. */
  readonly sellerId: string;
  /** Signs our requests. */
  readonly privateKey: KeyObject;
  /** Alipay's public keys. In certificate mode they come from its certificates. */
  readonly alipayKeys: AlipayKeys;
  /** PEM texts; null in key mode. */
  readonly certificates: { readonly app: string; readonly alipay: string; readonly root: string } | null;
  /** The gateway's URL: `https://openapi.alipay.com/gateway.do`, Alipay's sandbox, or ours. */
  readonly gateway: string;
  /** Sends the requests. Without it the adapter uses connections of its own. */
  readonly httpDispatcher?: Dispatcher;
};
