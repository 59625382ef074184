import type { SyntheticBillRow } from '../bill-files.ts';
import type { NotificationRow } from '../callback-protocol.ts';
import type { SandboxContext } from '../context.ts';
import type { Table } from '../ledger.ts';

export type WechatpayOptions = {
  readonly appId: string;
  readonly mchId: string;
  /** The serial number of the merchant's certificate: 40 hex digits. */
  readonly merchantSerial: string;
  /** PEM. It verifies the merchant's signatures. */
  readonly merchantPublicKey: string;
  /** 32 ASCII characters. */
  readonly apiV3Key: string;
  /** The keys that sign responses and notifications: the first one, unless another is chosen. */
  readonly platformKeys: readonly PlatformKey[];
};

/** `serial` is `PUB_KEY_ID_…`, or a certificate's 40 hex digits; key and certificate are PEM. */
export type PlatformKey = { readonly serial: string; readonly privateKey: string; readonly certificate?: string };

export type Merchant = Pick<WechatpayOptions, 'appId' | 'mchId'>;

/** MWEB is H5: a page in the phone's browser. */
export type TradeType = 'NATIVE' | 'JSAPI' | 'MWEB';

/** The stored states. The state REFUND is not stored: an order with refunds reports it. */
export type OrderState = 'NOTPAY' | 'USERPAYING' | 'SUCCESS' | 'CLOSED';

/** `…WireMs` is wire time (see `Clock.wireMs`), `…AtMs` the sandbox's clock. Amounts are fen. */
export type OrderRow = {
  /** The merchant's `out_trade_no`. */
  readonly id: string;
  readonly createdWireMs: number;
  readonly tradeType: TradeType;
  readonly description: string;
  readonly attach: string | null;
  readonly notifyUrl: string;
  readonly total: number;
  /** The create request in canonical form. An identical request returns this order; a different one is refused. */
  readonly asked: string;
  /** The last instant to pay. */
  readonly payableUntilAtMs: number;
  /** The last instant at which the newest code (or prepay_id, or page) can be used. */
  readonly codeUntilAtMs: number;
  readonly state: OrderState;
  /** JSAPI: the shop's page has opened the payment with a signed call of the bridge. */
  readonly bridged: boolean;
  readonly declines: number;
  readonly openid: string | null;
  readonly paid: Payment | null;
  /** The total of the refunds that are not closed. The refundable amount is `total` minus this. */
  readonly refundHeld: number;
  readonly refundCount: number;
};

export type Payment = {
  readonly transactionId: string;
  readonly successWireMs: number;
  readonly successAtMs: number;
  /** The total minus the amount of a coupon. */
  readonly payerTotal: number;
};

/** A code by which the buyer opens an order: the `pr` of a code_url, or a prepay_id. An order can have several with different expiries. */
export type CodeRow = { readonly id: string; readonly order: string; readonly untilAtMs: number };

/** The order of a transaction_id. */
export type TransactionRow = { readonly id: string; readonly order: string };

export type RefundStatus = 'PROCESSING' | 'SUCCESS' | 'ABNORMAL' | 'CLOSED';

export type RefundRow = {
  /** The merchant's `out_refund_no`; for a refund of the console, one that the console made. */
  readonly id: string;
  readonly refundId: string;
  readonly order: string;
  readonly amount: number;
  readonly createdWireMs: number;
  readonly successWireMs: number | null;
  readonly status: RefundStatus;
  readonly reason: string | null;
  readonly notifyUrl: string;
  /** The refund request in canonical form. */
  readonly asked: string;
  /** PROVIDER: made in the merchant platform, not through the API. */
  readonly origin: 'API' | 'PROVIDER';
};

/** The acts of scheduled tasks. Their subject is an out_trade_no or out_refund_no. */
export type TaskAct = 'pay_succeeded' | 'pay_failed' | 'succeed_anyway' | 'refund_succeeded' | 'refund_failed';

/** The platform key that signs notifications. */
export type SettingRow = { readonly id: 'notification_key'; readonly serial: string };

/** The state of the simulated WeChat Pay, and the functions that change it. */
export type WechatpayState = SandboxContext & {
  readonly merchant: Merchant;
  readonly orders: Table<OrderRow>;
  readonly codes: Table<CodeRow>;
  readonly transactions: Table<TransactionRow>;
  readonly refunds: Table<RefundRow>;
  readonly notifications: Table<NotificationRow>;
  readonly syntheticBills: Table<SyntheticBillRow>;
  readonly settings: Table<SettingRow>;
  /** Delivers a notification to the URL of its payment or refund after the current transaction commits. */
  readonly deliver: (notification: NotificationRow, url: string) => void;
  /** Schedules a task on the sandbox's clock. */
  readonly schedule: (delayMs: number, act: TaskAct, subject: string) => void;
};
