import type { Table } from '../ledger.ts';
import type { SandboxContext } from '../provider.ts';

/** How the buyer reaches the cashier: the PC page, the page on a phone, a QR code. What is notified depends on it. */
export type Product = 'page' | 'wap' | 'qr';

export type TradeStatus = 'WAIT_BUYER_PAY' | 'TRADE_SUCCESS' | 'TRADE_CLOSED' | 'TRADE_FINISHED';

/** What the merchant asked for. Amounts are fen. */
export type Terms = {
  readonly outTradeNo: string;
  readonly product: Product;
  readonly amount: number;
  readonly subject: string;
  readonly body: string | null;
  readonly passbackParams: string | null;
  readonly notifyUrl: string | null;
  readonly returnUrl: string | null;
  /** As they were sent. */
  readonly timeExpire: string | null;
  readonly timeoutExpress: string | null;
};

/** A pay link or a QR code: a trade that does not exist yet. Its id is the token in the cashier's path. */
export type OfferRow = {
  readonly id: string;
  readonly terms: Terms;
  /** Instants of the sandbox's clock, after which no trade comes of it, and after which its trade cannot be paid. */
  readonly openUntilMs: number | null;
  readonly payUntilMs: number | null;
};

/** Its id is the merchant's number, of which there is one trade. Instants are those that are told to others. */
export type TradeRow = {
  readonly id: string;
  readonly tradeNo: string;
  readonly terms: Terms;
  readonly status: TradeStatus;
  readonly createdMs: number;
  readonly paidMs: number | null;
  readonly closedMs: number | null;
  /** Times that the buyer's money was taken; more than one is a double charge. */
  readonly charges: number;
  /** The last attempt to pay that failed, in words for the buyer. */
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
  /** PROVIDER: made by hand in the console. */
  readonly origin: 'API' | 'PROVIDER';
  readonly createdMs: number;
  readonly succeededMs: number | null;
};

/** A notification as it is kept: a JSON object of its form fields, without those that each attempt writes anew. */
export type NoticeRow = { readonly id: string; readonly type: string; readonly content: string };

export type PlannedAct = 'expire_trade' | 'pay_anyway' | 'refund_succeeded' | 'refund_failed';
export type PlanRow = {
  readonly id: string;
  readonly atMs: number;
  readonly act: PlannedAct;
  /** A trade's or a refund's id. */
  readonly subject: string;
};

/** A link to a bill; it is good until that instant of the sandbox's clock. */
export type BillLinkRow = { readonly id: string; readonly billDate: string; readonly untilMs: number };
/** Its id is the date, or month, whose bill is made up of so many rows. */
export type MadeUpBillRow = { readonly id: string; readonly rows: number };

/** Everything that Alipay knows, and how it acts on it. */
export type AlipayState = SandboxContext & {
  readonly appId: string;
  readonly sellerId: string;
  /** SHA256withRSA with Alipay's key, base64. */
  readonly sign: (text: string) => string;
  readonly offers: Table<OfferRow>;
  /** By the merchant's number: the ids of its offers, oldest first. */
  readonly offersByNumber: Table<{ readonly id: string; readonly offers: readonly string[] }>;
  readonly trades: Table<TradeRow>;
  /** By `trade_no`: the merchant's number. */
  readonly tradeNumbers: Table<{ readonly id: string; readonly outTradeNo: string }>;
  readonly refunds: Table<RefundRow>;
  /** By the merchant's number: the ids of its refunds, oldest first. */
  readonly refundsByTrade: Table<{ readonly id: string; readonly refunds: readonly string[] }>;
  readonly notices: Table<NoticeRow>;
  readonly plans: Table<PlanRow>;
  readonly billLinks: Table<BillLinkRow>;
  readonly madeUpBills: Table<MadeUpBillRow>;
  /** Has a notification delivered once what is being done is kept. */
  readonly deliver: (notice: NoticeRow, url: string | null) => void;
  readonly plan: (inMs: number, act: PlannedAct, subject: string) => void;
};

/** The one offer of a number that a buyer would open: the newest. */
export function newestOffer(alipay: AlipayState, outTradeNo: string): OfferRow | undefined {
  return alipay.offers.get(alipay.offersByNumber.get(outTradeNo)?.offers.at(-1) ?? '');
}

/** The refunds of a trade, oldest first. */
export function refundsOf(alipay: AlipayState, outTradeNo: string): RefundRow[] {
  const ids = alipay.refundsByTrade.get(outTradeNo)?.refunds ?? [];
  return ids.flatMap((id) => alipay.refunds.get(id) ?? []);
}

/** What has gone back to the buyer of a trade, in fen. */
export function refundedOf(alipay: AlipayState, outTradeNo: string): number {
  return sum(refundsOf(alipay, outTradeNo).filter(({ status }) => status === 'succeeded'));
}

/** What has gone back, and what is on its way, in fen. */
export function claimedOf(alipay: AlipayState, outTradeNo: string): number {
  return sum(refundsOf(alipay, outTradeNo).filter(({ status }) => status !== 'failed'));
}

function sum(refunds: readonly RefundRow[]): number {
  return refunds.reduce((total, { amount }) => total + amount, 0);
}

/** Digits that follow from the seed, for the numbers that Alipay gives. */
export function newDigits(alipay: AlipayState, length: number): string {
  return Array.from(alipay.newId('', length), (sign) => sign.charCodeAt(0) % 10).join('');
}
