import type { Sender } from '../deliveries.ts';
import type { SandboxContext } from '../provider.ts';
import { notifiedRefundObject, paidTransactionObject } from './objects.ts';
import { encrypted, signatureHeaders } from './signing.ts';
import type { OrderRow, PlatformKey, RefundRow, WechatpayState } from './state.ts';
import { beijingTime } from './time.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
/** How long after each attempt that was not taken the next one comes: 15 in 24 h 4 min. */
export const notificationRetryDelaysMs: readonly number[] = [
  ...[15 * secondMs, 15 * secondMs, 30 * secondMs],
  ...[3 * minuteMs, 10 * minuteMs, 20 * minuteMs, 30 * minuteMs, 30 * minuteMs, 30 * minuteMs, 60 * minuteMs],
  ...[3 * hourMs, 3 * hourMs, 3 * hourMs, 6 * hourMs, 6 * hourMs],
];
/** A receiver that has not answered by then has failed this attempt. */
export const ackTimeoutMs = 5000;

/** A notification as it is kept: what will be encrypted stands in clear under `plaintext`. */
export type NotificationContent = {
  readonly id: string;
  readonly create_time: string;
  readonly resource_type: 'encrypt-resource';
  readonly event_type: string;
  readonly summary: string;
  readonly original_type: 'transaction' | 'refund';
  readonly plaintext: Readonly<Record<string, unknown>>;
};

const refundSummaries = { SUCCESS: '退款成功', ABNORMAL: '退款异常', CLOSED: '退款关闭' } as const;

/** Only success is told of a payment; closing and expiry never are. */
export function recordPayment(wechatpay: WechatpayState, order: OrderRow): void {
  record(
    wechatpay,
    order.notifyUrl,
    'TRANSACTION.SUCCESS',
    '支付成功',
    'transaction',
    paidTransactionObject(wechatpay, order),
  );
}

/** Told when a refund has come to an end; one that is under way is not. */
export function recordRefund(wechatpay: WechatpayState, order: OrderRow, refund: RefundRow): void {
  if (refund.status === 'PROCESSING') return;
  const summary = refundSummaries[refund.status];
  const object = notifiedRefundObject(wechatpay, order, refund);
  record(wechatpay, refund.notifyUrl, `REFUND.${refund.status}`, summary, 'refund', object);
}

function record(
  wechatpay: WechatpayState,
  url: string,
  type: string,
  summary: string,
  originalType: NotificationContent['original_type'],
  plaintext: NotificationContent['plaintext'],
): void {
  const id = wechatpay.newId('EV-', 24);
  const content: NotificationContent = {
    id,
    create_time: beijingTime(wechatpay.clock.wireMs()),
    resource_type: 'encrypt-resource',
    event_type: type,
    summary,
    original_type: originalType,
    plaintext,
  };
  wechatpay.deliver(wechatpay.events.put({ id, type, content: JSON.stringify(content) }), url);
}

/** WeChat Pay's way of posting: encrypted under the APIv3 key, signed by a platform key, both anew for each attempt. */
export function wechatpaySender(
  context: Pick<SandboxContext, 'newId'>,
  apiV3Key: string,
  signingKey: () => PlatformKey,
): Sender {
  return {
    provider: 'wechatpay',
    write(content, atSeconds, secret) {
      const { original_type, plaintext, ...envelope } = parseContent(content);
      const cipher = encrypted(apiV3Key, context.newId('', 12), original_type, JSON.stringify(plaintext));
      const body = JSON.stringify({ ...envelope, resource: { original_type, ...cipher } });
      const headers = {
        'Content-Type': 'application/json',
        'User-Agent': 'Mozilla/4.0',
        Accept: '*/*',
        'Request-ID': context.newId('', 32),
        ...signatureHeaders(context, signingKey(), body, atSeconds, secret),
      };
      return { headers, body };
    },
    altered: (body) =>
      body.replace(/("ciphertext":")(.)/, (_whole, name: string, first: string) => name + other(first)),
    isAcknowledged: (status) => status === 200 || status === 204,
    ofAnotherAccount(content) {
      const parsed = parseContent(content);
      return JSON.stringify({ ...parsed, plaintext: { ...parsed.plaintext, mchid: '1999999999' } });
    },
    withWrongAmount(content) {
      const parsed = parseContent(content);
      return JSON.stringify({ ...parsed, plaintext: { ...parsed.plaintext, amount: raised(parsed.plaintext.amount) } });
    },
    withUnknownStatus(content) {
      const parsed = parseContent(content);
      const name = parsed.original_type === 'refund' ? 'refund_status' : 'trade_state';
      return JSON.stringify({ ...parsed, plaintext: { ...parsed.plaintext, [name]: 'DREAMT' } });
    },
    withoutAmount(content) {
      const parsed = parseContent(content);
      return JSON.stringify({ ...parsed, plaintext: { ...parsed.plaintext, amount: 'a lot' } });
    },
    inGbk: (content) => content,
  };
}

function parseContent(content: string): NotificationContent {
  return JSON.parse(content) as NotificationContent; // written by record() above and by nobody else
}

/** Another letter that base64 knows. */
function other(letter: string): string {
  return letter === 'A' ? 'B' : 'A';
}

/** Every amount a yuan more. */
function raised(amount: unknown): object {
  const parts = typeof amount === 'object' && amount !== null ? Object.entries(amount) : [];
  return Object.fromEntries(parts.map(([name, value]) => [name, typeof value === 'number' ? value + 100 : value]));
}
