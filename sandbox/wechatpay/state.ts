import type { Table } from '../ledger.ts';
import type { SandboxContext } from '../provider.ts';

export type WechatpayOptions = {
  readonly appId: string;
  readonly mchId: string;
  /** Serial number of the merchant's certificate: 40 hex digits. */
  readonly merchantSerial: string;
  /** PEM; verifies what the merchant signs. */
  readonly merchantPublicKey: string;
  /** 32 ASCII characters. */
  readonly apiV3Key: string;
  /** What answers and notifications are signed with: the first, unless another is asked for. */
  readonly platformKeys: readonly PlatformKey[];
};

/** `serial` is `PUB_KEY_ID_…`, or a certificate's 40 hex digits; key and certificate are PEM. */
export type PlatformKey = { readonly serial: string; readonly privateKey: string; readonly certificate?: string };

export type Merchant = Pick<WechatpayOptions, 'appId' | 'mchId'>;

/** As the API names them: MWEB is a page in the phone's browser. */
export type TradeType = 'NATIVE' | 'JSAPI' | 'MWEB';

/** What is kept of a state; REFUND is not: an order shows it while any refund of it stands. */
export type OrderState = 'NOTPAY' | 'USERPAYING' | 'SUCCESS' | 'CLOSED';

/** `…WireMs` is the merchant's time, as it is told; `…AtMs` the sandbox's own clock, which can be moved. Amounts are fen. */
export type OrderRow = {
  /** The merchant's `out_trade_no`. */
  readonly id: string;
  readonly createdWireMs: number;
  readonly tradeType: TradeType;
  readonly description: string;
  readonly attach: string | null;
  readonly notifyUrl: string;
  readonly total: number;
  /** The request in one fixed form: repeating it is no new order, changing it is refused. */
  readonly asked: string;
  /** The last moment to pay. */
  readonly payableUntilAtMs: number;
  /** Until when the newest code (or prepay_id, or page) can be used. */
  readonly codeUntilAtMs: number;
  readonly state: OrderState;
  /** In JSAPI only the shop's page can open the payment, by a signed call of the bridge. */
  readonly bridged: boolean;
  readonly declines: number;
  readonly openid: string | null;
  readonly paid: Payment | null;
  /** Refunds that are not closed: what is left to refund is `total` less this. */
  readonly refundHeld: number;
  readonly refundCount: number;
};

export type Payment = {
  readonly transactionId: string;
  readonly successWireMs: number;
  readonly successAtMs: number;
  /** Less than the total by what a coupon paid. */
  readonly payerTotal: number;
};

/** One way in for the buyer: the `pr` of a code_url, or a prepay_id. An order can have several, each with its own end. */
export type CodeRow = { readonly id: string; readonly order: string; readonly untilAtMs: number };

/** Which order a transaction_id belongs to. */
export type TransactionRow = { readonly id: string; readonly order: string };

export type RefundStatus = 'PROCESSING' | 'SUCCESS' | 'ABNORMAL' | 'CLOSED';

export type RefundRow = {
  /** The merchant's `out_refund_no`, or one that the console made. */
  readonly id: string;
  readonly refundId: string;
  readonly order: string;
  readonly amount: number;
  readonly createdWireMs: number;
  readonly successWireMs: number | null;
  readonly status: RefundStatus;
  readonly reason: string | null;
  readonly notifyUrl: string;
  readonly asked: string;
  /** Made through the API, or by someone in the merchant platform. */
  readonly origin: 'API' | 'PROVIDER';
};

/** `content` is the notification with its plaintext in it; it is encrypted and signed anew for each attempt. */
export type EventRow = { readonly id: string; readonly type: string; readonly content: string };

export type PlannedAct = 'pay_succeeded' | 'pay_failed' | 'succeed_anyway' | 'refund_succeeded' | 'refund_failed';

/** `subject` is the out_trade_no or out_refund_no that it happens to. */
export type PlanRow = {
  readonly id: string;
  readonly atMs: number;
  readonly act: PlannedAct;
  readonly subject: string;
};

/** Rows of a bill that nobody traded, for tests of size; `id` is the date. */
export type SyntheticBillRow = { readonly id: string; readonly rows: number };

/** Which platform key signs notifications. */
export type SettingRow = { readonly id: 'notification_key'; readonly serial: string };

/** Everything the WeChat Pay side works on. */
export type WechatpayState = SandboxContext & {
  readonly merchant: Merchant;
  readonly orders: Table<OrderRow>;
  readonly codes: Table<CodeRow>;
  readonly transactions: Table<TransactionRow>;
  readonly refunds: Table<RefundRow>;
  readonly events: Table<EventRow>;
  readonly plans: Table<PlanRow>;
  readonly syntheticBills: Table<SyntheticBillRow>;
  readonly settings: Table<SettingRow>;
  /** Posts a notification to the place that the payment or the refund named, once what is being done is kept. */
  readonly deliver: (event: EventRow, url: string) => void;
  /** Has something happen by itself after a while; kept, so that it happens also after a restart. */
  readonly plan: (inMs: number, act: PlannedAct, subject: string) => void;
};
