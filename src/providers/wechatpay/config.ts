import type { KeyObject } from 'node:crypto';
import type { PlatformKeys } from './signature.ts';
import type { Send } from './transport.ts';

export type WechatpayConfig = {
  /** The id of the app, which is bound to the merchant. */
  readonly appId: string;
  readonly mchId: string;
  /** The serial number of the merchant's certificate. */
  readonly serial: string;
  /** The merchant's private key, which signs requests. */
  readonly privateKey: KeyObject;
  /** Decrypts notifications; 32 bytes. */
  readonly apiV3Key: KeyObject;
  /**
   * WeChat Pay's keys, which verify its answers and notifications. Empty when platform certificates are used, which are
   * fetched.
   */
  readonly platformKeys: PlatformKeys;
  /** The URL of WeChat Pay's API, `https://api.mch.weixin.qq.com/`, or of a sandbox. */
  readonly baseUrl: string;
  /** Sends the requests. Without it undici is used. */
  readonly send?: Send;
};
