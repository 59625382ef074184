import type { KeyObject } from 'node:crypto';
import type { PlatformKeys } from './signature.ts';
import type { Send } from './transport.ts';

export type WechatpayConfig = {
  /** The app that buyers pay in, bound to the merchant. */
  readonly appId: string;
  readonly mchId: string;
  /** Of the merchant's certificate. */
  readonly serial: string;
  /** The merchant's: requests are signed with it. */
  readonly privateKey: KeyObject;
  /** Opens what notifications hold; 32 bytes. */
  readonly apiV3Key: KeyObject;
  /** WeChat Pay's, which verify what it says; none where it uses platform certificates, which are fetched. */
  readonly platformKeys: PlatformKeys;
  /** `https://api.mch.weixin.qq.com/`, or a sandbox's. */
  readonly baseUrl: string;
  /** Carries the requests; Node's own client when left out. */
  readonly send?: Send;
};
