import type { Endpoint, EndpointRequest } from './endpoints.ts';
import { orderNotExist, paramError, WechatpayRefusal } from './errors.ts';
import { newPrepayId, newQrToken } from './ids.ts';
import { readInput } from './input.ts';
import { refundObject, transactionObject } from './objects.ts';
import { closeOrder, orderOf, placeOrder } from './orders.ts';
import { requestRefund } from './refunds.ts';
import type { WechatpayState } from './state.ts';

const codeUrlStart = 'weixin://wxpay/bizpayurl?pr=';

export const paymentEndpoints: readonly Endpoint[] = [
  {
    method: 'POST',
    path: '/v3/pay/transactions/native',
    operation: 'native.create',
    execute(wechatpay, { request }) {
      const code = newQrToken(wechatpay);
      placeOrder(wechatpay, 'NATIVE', readInput.native(request.body), { openid: null, code });
      return { code_url: `${codeUrlStart}${code}` };
    },
  },
  {
    method: 'POST',
    path: '/v3/pay/transactions/jsapi',
    operation: 'jsapi.create',
    execute(wechatpay, { request }) {
      const parsed = readInput.jsapi(request.body);
      const code = newPrepayId(wechatpay);
      placeOrder(wechatpay, 'JSAPI', parsed, { openid: parsed.input.payer.openid, code });
      return { prepay_id: code };
    },
  },
  {
    method: 'POST',
    path: '/v3/pay/transactions/h5',
    operation: 'h5.create',
    execute(wechatpay, { request }) {
      const code = newPrepayId(wechatpay);
      placeOrder(wechatpay, 'MWEB', readInput.h5(request.body), { openid: null, code });
      return { h5_url: h5Url(wechatpay, code) };
    },
  },
  {
    method: 'GET',
    path: '/v3/pay/transactions/out-trade-no/:id',
    operation: 'transactions.query',
    execute(wechatpay, { id, query }) {
      checkMchid(wechatpay, query.get('mchid'), 'query');
      return transactionObject(wechatpay, orderOf(wechatpay, id));
    },
  },
  {
    method: 'GET',
    path: '/v3/pay/transactions/id/:id',
    operation: 'transactions.query',
    execute(wechatpay, { id, query }) {
      checkMchid(wechatpay, query.get('mchid'), 'query');
      const transaction = wechatpay.transactions.get(id);
      if (!transaction) throw orderNotExist();
      return transactionObject(wechatpay, orderOf(wechatpay, transaction.order));
    },
  },
  {
    method: 'POST',
    path: '/v3/pay/transactions/out-trade-no/:id/close',
    operation: 'transactions.close',
    execute(wechatpay, { request, id }) {
      checkMchid(wechatpay, readInput.close(request.body).input.mchid, 'body');
      closeOrder(wechatpay, orderOf(wechatpay, id));
      return null;
    },
  },
  {
    method: 'POST',
    path: '/v3/refund/domestic/refunds',
    operation: 'refunds.create',
    execute(wechatpay, { request }) {
      const refund = requestRefund(wechatpay, readInput.refund(request.body));
      return refundObject(orderOf(wechatpay, refund.order), refund);
    },
  },
  {
    method: 'GET',
    path: '/v3/refund/domestic/refunds/:id',
    operation: 'refunds.query',
    execute: queryRefund,
  },
];

/** The URL has a query, so that a shop can append `&redirect_url=…`. */
function h5Url(wechatpay: WechatpayState, prepayId: string): string {
  return `${wechatpay.baseUrl()}/cashier/wechatpay/h5?prepay_id=${prepayId}&package=${wechatpay.newId('', 10)}`;
}

/** The id of the code in a code_url or prepay_id. */
export function codeFromText(text: string): string {
  return text.startsWith(codeUrlStart) ? text.slice(codeUrlStart.length) : text.replace(/^prepay_id=/, '');
}

/** The code_url or prepay_id of a code. */
export function textOfCode(code: string): string {
  return code.startsWith('wx') && code.length === 36 ? code : `${codeUrlStart}${code}`;
}

function checkMchid({ merchant }: WechatpayState, mchid: string | null, location: 'query' | 'body'): void {
  if (mchid === null || mchid === '') throw paramError('mchid', 'is missing', location);
  if (mchid !== merchant.mchId) throw new WechatpayRefusal(400, 'MCH_NOT_EXISTS', '商户号不存在');
}

function queryRefund(wechatpay: WechatpayState, { id }: EndpointRequest): object {
  const refund = wechatpay.refunds.get(id);
  if (!refund) throw new WechatpayRefusal(404, 'RESOURCE_NOT_EXISTS', '退款单不存在');
  return refundObject(orderOf(wechatpay, refund.order), refund);
}
