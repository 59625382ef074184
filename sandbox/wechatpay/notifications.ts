import { beijingRfc3339 } from '../beijing-time.ts';
import type { CallbackProtocol } from '../callback-protocol.ts';
import type { SandboxContext } from '../context.ts';
import { hourMs, minuteMs, secondMs } from '../durations.ts';
import { notifiedRefundObject, paidTransactionObject } from './objects.ts';
import { encrypt, signatureHeaders } from './signing.ts';
import type { OrderRow, PlatformKey, RefundRow, WechatpayState } from './state.ts';

/** The delay after each failed attempt: 15 retries in 24 h 4 min. */
export const notificationRetryDelaysMs: readonly number[] = [
  ...[15 * secondMs, 15 * secondMs, 30 * secondMs],
  ...[3 * minuteMs, 10 * minuteMs, 20 * minuteMs, 30 * minuteMs, 30 * minuteMs, 30 * minuteMs, 60 * minuteMs],
  ...[3 * hourMs, 3 * hourMs, 3 * hourMs, 6 * hourMs, 6 * hourMs],
];
/** The time limit of one attempt. */
export const ackTimeoutMs = 5000;

/** A notification in the ledger. `plaintext` is encrypted for each attempt. */
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

/** Notifies a successful payment. WeChat Pay does not notify closing and expiry. */
export function notifyPayment(wechatpay: WechatpayState, order: OrderRow): void {
  notify(
    wechatpay,
    order.notifyUrl,
    'TRANSACTION.SUCCESS',
    '支付成功',
    'transaction',
    paidTransactionObject(wechatpay, order),
  );
}

/** Notifies a refund in a final state. */
export function notifyRefund(wechatpay: WechatpayState, order: OrderRow, refund: RefundRow): void {
  if (refund.status === 'PROCESSING') return;
  const summary = refundSummaries[refund.status];
  const object = notifiedRefundObject(wechatpay, order, refund);
  notify(wechatpay, refund.notifyUrl, `REFUND.${refund.status}`, summary, 'refund', object);
}

function notify(
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
    create_time: beijingRfc3339(wechatpay.clock.wireMs()),
    resource_type: 'encrypt-resource',
    event_type: type,
    summary,
    original_type: originalType,
    plaintext,
  };
  wechatpay.deliver(wechatpay.notifications.put({ id, type, content: JSON.stringify(content) }), url);
}

/** WeChat Pay encrypts each attempt with the APIv3 key and signs it with a platform key. */
export function wechatpayCallbackProtocol(
  context: Pick<SandboxContext, 'newId'>,
  apiV3Key: string,
  signingKey: () => PlatformKey,
): CallbackProtocol {
  return {
    provider: 'wechatpay',
    write(content, atSeconds, signature) {
      const { original_type, plaintext, ...envelope } = parseContent(content);
      const cipher = encrypt(apiV3Key, context.newId('', 12), original_type, JSON.stringify(plaintext));
      const body = JSON.stringify({ ...envelope, resource: { original_type, ...cipher } });
      const headers = {
        'Content-Type': 'application/json',
        'User-Agent': 'Mozilla/4.0',
        Accept: '*/*',
        'Request-ID': context.newId('', 32),
        ...signatureHeaders(context, signingKey(), body, atSeconds, signature),
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
  return JSON.parse(content) as NotificationContent; // written by notify() only
}

/** Another character of base64. */
function other(letter: string): string {
  return letter === 'A' ? 'B' : 'A';
}

/** Every amount plus one yuan. */
function raised(amount: unknown): object {
  const parts = typeof amount === 'object' && amount !== null ? Object.entries(amount) : [];
  return Object.fromEntries(parts.map(([name, value]) => [name, typeof value === 'number' ? value + 100 : value]));
}
