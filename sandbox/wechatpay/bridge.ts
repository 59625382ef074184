import { ControlError, type Json, optionalText, refuseUnknown } from '../control-input.ts';
import { invalidRequest, signError } from './errors.ts';
import { openOrder, orderOf } from './orders.ts';
import { signedText, verifies } from './signing.ts';
import type { OrderRow, WechatpayOptions, WechatpayState } from './state.ts';

/** The arguments of `WeixinJSBridge.invoke('getBrandWCPayRequest', …)` in a page, or of `wx.requestPayment` in a mini program. */
export type BridgeCall = {
  readonly appId: string;
  readonly timeStamp: string;
  readonly nonceStr: string;
  readonly package: string;
  readonly signType: string;
  readonly paySign: string;
};

const bridgeArguments = ['appId', 'timeStamp', 'nonceStr', 'package', 'signType', 'paySign'] as const;

/**
 * Opens a JSAPI payment in the buyer's WeChat.
 *
 * @throws {WechatpayRefusal} for an invalid signature, an unknown or expired prepay_id, or an order that can no longer be paid.
 */
export function openByBridge(
  wechatpay: WechatpayState,
  { appId, merchantPublicKey }: Pick<WechatpayOptions, 'appId' | 'merchantPublicKey'>,
  call: BridgeCall,
): OrderRow {
  if (call.appId !== appId) throw invalidRequest('appId does not belong to this merchant');
  if (call.signType !== 'RSA') throw invalidRequest('signType must be RSA');
  if (!/^\d{10}$/.test(call.timeStamp)) throw invalidRequest('timeStamp must be Unix seconds, as a string');
  if (!/^.{1,32}$/.test(call.nonceStr)) throw invalidRequest('nonceStr must have 1 to 32 characters');
  const text = signedText([call.appId, call.timeStamp, call.nonceStr, call.package]);
  if (!verifies(merchantPublicKey, text, call.paySign)) throw signError('paySign does not match');
  const prepayId = /^prepay_id=(\S+)$/.exec(call.package)?.[1];
  const code = prepayId === undefined ? undefined : wechatpay.codes.get(prepayId);
  const order = code && orderOf(wechatpay, code.order);
  if (!code || order?.tradeType !== 'JSAPI') throw invalidRequest('package must be prepay_id=… of a JSAPI order');
  if (wechatpay.clock.nowMs() > code.untilAtMs) throw invalidRequest('prepay_id已过期');
  return openOrder(wechatpay, wechatpay.orders.put({ ...order, bridged: true }));
}

/** @throws {ControlError} for a missing argument. */
export function readBridgeCall(json: Json): BridgeCall {
  refuseUnknown(json, bridgeArguments);
  const value = (name: (typeof bridgeArguments)[number]): string => {
    const text = optionalText(json, name);
    if (text === undefined) throw new ControlError(400, `${name} is missing.`);
    return text;
  };
  return {
    appId: value('appId'),
    timeStamp: value('timeStamp'),
    nonceStr: value('nonceStr'),
    package: value('package'),
    signType: value('signType'),
    paySign: value('paySign'),
  };
}
