import type { SyntheticBillRow } from '../bill-files.ts';
import type { NotificationRow } from '../callback-protocol.ts';
import type { SandboxContext } from '../context.ts';
import type { Table } from '../ledger.ts';

/** How the buyer reaches the cashier: a page on a PC, a page on a phone, or a QR code. It decides which notifications are sent. */
export type Product = 'page' | 'wap' | 'qr';

export type TradeStatus = 'WAIT_BUYER_PAY' | 'TRADE_SUCCESS' | 'TRADE_CLOSED' | 'TRADE_FINISHED';

/** The terms of a payment, as the merchant requested it. Amounts are fen. */
export type Terms = {
  readonly outTradeNo: string;
  readonly product: Product;
  readonly amount: number;
  readonly subject: string;
  readonly body: string | null;
  readonly passbackParams: string | null;
  readonly notifyUrl: string | null;
  readonly returnUrl: string | null;
  /** As the merchant sent it; so is `timeoutExpress`. */
  readonly timeExpire: string | null;
  readonly timeoutExpress: string | null;
};

/** A payment link or QR code. Its trade does not exist until the buyer opens it. The id is the token in the cashier's path. */
export type OfferRow = {
  readonly id: string;
  readonly terms: Terms;
  /** The last instant at which the buyer can open it, and the last at which its trade can be paid, on the sandbox's clock. */
  readonly openUntilMs: number | null;
  readonly payUntilMs: number | null;
};

/** The id is the merchant's number; a number has one trade. Times are wire time: see `Clock.wireMs`. */
export type TradeRow = {
  readonly id: string;
  readonly tradeNo: string;
  readonly terms: Terms;
  readonly status: TradeStatus;
  readonly createdMs: number;
  readonly paidMs: number | null;
  readonly closedMs: number | null;
  /** How often the buyer was charged; more than once is a double charge. */
  readonly charges: number;
  /** Why the last attempt to pay failed, for the buyer. */
  readonly failure: string | null;
};

export type RefundRow = {
  /** `<out_trade_no>/<out_request_no>`: the request number is unique within its trade. */
  readonly id: string;
  readonly outTradeNo: string;
  readonly outRequestNo: string;
  readonly amount: number;
  readonly reason: string | null;
  readonly status: 'pending' | 'succeeded' | 'failed';
  /** PROVIDER: made in the console, not through the API. */
  readonly origin: 'API' | 'PROVIDER';
  readonly createdMs: number;
  readonly succeededMs: number | null;
};

/** The acts of scheduled tasks. Their subject is a trade or a refund. */
export type TaskAct = 'expire_trade' | 'pay_anyway' | 'refund_succeeded' | 'refund_failed';

/** A download link of a bill. It is valid until `untilMs` of the sandbox's clock. */
export type BillLinkRow = { readonly id: string; readonly billDate: string; readonly untilMs: number };

/** The state of the simulated Alipay, and the functions that change it. */
export type AlipayState = SandboxContext & {
  readonly appId: string;
  readonly sellerId: string;
  /** SHA256withRSA with Alipay's key, base64. */
  readonly sign: (text: string) => string;
  readonly offers: Table<OfferRow>;
  /** The ids of the offers of a merchant's number, oldest first. */
  readonly offersByNumber: Table<{ readonly id: string; readonly offers: readonly string[] }>;
  readonly trades: Table<TradeRow>;
  /** The merchant's number of a `trade_no`. */
  readonly tradeNumbers: Table<{ readonly id: string; readonly outTradeNo: string }>;
  readonly refunds: Table<RefundRow>;
  /** The ids of the refunds of a merchant's number, oldest first. */
  readonly refundsByTrade: Table<{ readonly id: string; readonly refunds: readonly string[] }>;
  readonly notifications: Table<NotificationRow>;
  readonly billLinks: Table<BillLinkRow>;
  readonly syntheticBills: Table<SyntheticBillRow>;
  /** Delivers a notification after the current transaction commits. */
  readonly deliver: (notification: NotificationRow, url: string | null) => void;
  /** Schedules a task on the sandbox's clock. */
  readonly schedule: (delayMs: number, act: TaskAct, subject: string) => void;
};

/** The newest offer of a merchant's number, which is the one that a buyer opens. */
export function newestOffer(alipay: AlipayState, outTradeNo: string): OfferRow | undefined {
  return alipay.offers.get(alipay.offersByNumber.get(outTradeNo)?.offers.at(-1) ?? '');
}

/** The refunds of a trade, oldest first. */
export function refundsOf(alipay: AlipayState, outTradeNo: string): RefundRow[] {
  const ids = alipay.refundsByTrade.get(outTradeNo)?.refunds ?? [];
  return ids.flatMap((id) => alipay.refunds.get(id) ?? []);
}

/** The refunded amount of a trade, in fen. */
export function refundedOf(alipay: AlipayState, outTradeNo: string): number {
  return sum(refundsOf(alipay, outTradeNo).filter(({ status }) => status === 'succeeded'));
}

/** The refunded amount and the pending refunds of a trade, in fen. */
export function claimedOf(alipay: AlipayState, outTradeNo: string): number {
  return sum(refundsOf(alipay, outTradeNo).filter(({ status }) => status !== 'failed'));
}

function sum(refunds: readonly RefundRow[]): number {
  return refunds.reduce((total, { amount }) => total + amount, 0);
}
