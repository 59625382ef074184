import { createSign } from 'node:crypto';
import { testKeys } from './chinese-providers.ts';

/** The fields of Alipay's notification that a payment of 25.00 succeeded. */
export function alipayNotice(paymentId: string, fields: Record<string, string> = {}): Record<string, string> {
  const { appId, sellerId } = testKeys().alipay;
  return {
    ...{ notify_time: '2026-11-25 10:00:00', notify_type: 'trade_status_sync', version: '1.0', charset: 'utf-8' },
    ...{ sign_type: 'RSA2', app_id: appId, auth_app_id: appId, seller_id: sellerId, out_trade_no: paymentId },
    ...{ notify_id: `n_${paymentId}`, trade_no: '2026112522001234567890123456', trade_status: 'TRADE_SUCCESS' },
    ...{ total_amount: '25.00', receipt_amount: '20.00', gmt_payment: '2026-11-25 10:00:00', subject: '杯子 100% + &' },
    ...fields,
  };
}

/** Signs a notification with Alipay's key and posts it to a webhook route. */
export async function postAlipay(
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<{ status: number; body: string }> {
  const content = Object.entries(fields)
    .filter(([name]) => name !== 'sign_type')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const sign = createSign('RSA-SHA256').update(content, 'utf8').sign(testKeys().alipay.platformPrivateKey, 'base64');
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams({ ...fields, sign }).toString(),
  });
  return { status: response.status, body: await response.text() };
}
