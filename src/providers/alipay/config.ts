import type { KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { AlipayKey } from './signature.ts';

/** At least one. */
export type AlipayKeys = readonly [AlipayKey, ...AlipayKey[]];

export type AlipayConfig = {
  readonly appId: string;
  /** The merchant account that money comes to: `2088…`. */
  readonly sellerId: string;
  /** We sign by it. */
  readonly privateKey: KeyObject;
  /** Alipay signs with the other half of one of them; of its certificates where certificates are used. */
  readonly alipayKeys: AlipayKeys;
  /** PEM texts; null where plain keys are used. */
  readonly certificates: { readonly app: string; readonly alipay: string; readonly root: string } | null;
  /** `https://openapi.alipay.com/gateway.do`, Alipay's sandbox, or ours. */
  readonly gateway: string;
  /** Carries the requests; connections of its own when left out. */
  readonly httpDispatcher?: Dispatcher;
};
