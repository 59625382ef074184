import { parseBeijingDate } from '../beijing-time.ts';
import { readSyntheticRows } from '../bill-files.ts';
import {
  type Action,
  ControlError,
  optionalNumber,
  optionalText,
  optionalWholeNumber,
  readJson,
  refuseUnknown,
  refusingActions,
} from '../control-input.ts';
import type { HttpRequest } from '../http.ts';
import { openByBridge, readBridgeCall } from './bridge.ts';
import { WechatpayRefusal } from './errors.ts';
import { refundObject, transactionObject } from './objects.ts';
import { closeOrder, completePayment, leaveOrder, openOrder, orderOf, payOrder } from './orders.ts';
import { createRefund, endRefund, orderToRefund } from './refunds.ts';
import type { OrderRow, RefundStatus, WechatpayOptions, WechatpayState } from './state.ts';

const billRowsMax = 2_000_000;

/** The control actions of WeChat Pay: acts of the buyer, acts in the merchant platform, and acts of WeChat Pay itself. */
export function wechatpayConsole(
  wechatpay: WechatpayState,
  options: WechatpayOptions,
): Readonly<Record<string, Action>> {
  const onOrder = (act: (order: OrderRow, request: HttpRequest) => OrderRow): Action => {
    return (request, id) => transactionObject(wechatpay, act(orderOf(wechatpay, decodeURIComponent(id)), request));
  };
  const end = (status: Exclude<RefundStatus, 'PROCESSING'>): Action => {
    return (_request, id) => endInConsole(wechatpay, decodeURIComponent(id), status);
  };
  const actions: Record<string, Action> = {
    'POST /control/wechatpay/buyer/:id': onOrder((order, request) => actAsBuyer(wechatpay, order, request)),
    'POST /control/wechatpay/bridge': (request) =>
      transactionObject(wechatpay, openByBridge(wechatpay, options, readBridgeCall(readJson(request)))),
    'POST /control/wechatpay/transactions/:id/succeed': onOrder((order) => completePayment(wechatpay, order)),
    'POST /control/wechatpay/transactions/:id/close': onOrder((order) => closeOrder(wechatpay, order)),
    'POST /control/wechatpay/refunds': (request) => refundInConsole(wechatpay, request),
    'POST /control/wechatpay/refunds/:id/succeed': end('SUCCESS'),
    'POST /control/wechatpay/refunds/:id/fail': end('ABNORMAL'),
    'POST /control/wechatpay/refunds/:id/close': end('CLOSED'),
    'POST /control/wechatpay/notification-key': (request) => chooseNotificationKey(wechatpay, options, request),
    'POST /control/wechatpay/bills': (request) => keepSyntheticBill(wechatpay, request),
  };
  return refusingActions(transactional(wechatpay, actions), toControlError);
}

function transactional(
  { ledger }: WechatpayState,
  actions: Readonly<Record<string, Action>>,
): Readonly<Record<string, Action>> {
  const wrapped = (action: Action): Action => {
    return (request, id) => ledger.transact(() => action(request, id));
  };
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, wrapped(action)]));
}

function toControlError(error: unknown): ControlError | null {
  if (error instanceof WechatpayRefusal) return new ControlError(error.status, `${error.code}: ${error.message}`);
  if (error instanceof URIError) return new ControlError(400, 'The path is not valid percent-encoding.');
  return null;
}

function actAsBuyer(wechatpay: WechatpayState, order: OrderRow, request: HttpRequest): OrderRow {
  const json = readJson(request);
  refuseUnknown(json, ['action', 'coupon']);
  const coupon = optionalNumber(json, 'coupon', 0, Number.MAX_SAFE_INTEGER);
  switch (optionalText(json, 'action')) {
    case 'open':
      return openOrder(wechatpay, order);
    case 'pay':
      return payOrder(wechatpay, order, coupon);
    case 'decline':
      return leaveOrder(wechatpay, order, 'declined');
    case 'leave':
      return leaveOrder(wechatpay, order, 'left');
    default:
      throw new ControlError(400, 'action must be open, pay, decline or leave.');
  }
}

/** A refund made in the merchant platform, with a number that the platform makes. Without an amount, it refunds the rest. */
function refundInConsole(wechatpay: WechatpayState, request: HttpRequest): object {
  const json = readJson(request);
  refuseUnknown(json, ['out_trade_no', 'transaction_id', 'amount', 'reason']);
  const order = orderToRefund(wechatpay, optionalText(json, 'transaction_id'), optionalText(json, 'out_trade_no'));
  const amount = optionalWholeNumber(json, 'amount', 1, Number.MAX_SAFE_INTEGER) ?? order.total - order.refundHeld;
  if (amount < 1) throw new ControlError(400, 'The order has no refundable amount.');
  const refund = createRefund(wechatpay, order, {
    outRefundNo: wechatpay.newId('console', 20),
    amount,
    reason: optionalText(json, 'reason') ?? null,
    notifyUrl: order.notifyUrl,
    asked: '',
    origin: 'PROVIDER',
  });
  return refundObject(orderOf(wechatpay, order.id), refund);
}

function endInConsole(
  wechatpay: WechatpayState,
  outRefundNo: string,
  status: Exclude<RefundStatus, 'PROCESSING'>,
): object {
  endRefund(wechatpay, outRefundNo, status);
  const refund = wechatpay.refunds.get(outRefundNo);
  if (!refund) throw new ControlError(404, 'There is no such refund.');
  return refundObject(orderOf(wechatpay, refund.order), refund);
}

/** Chooses the platform key for notifications. WeChat Pay chooses it while a merchant migrates from certificates to the public key. */
function chooseNotificationKey(
  wechatpay: WechatpayState,
  { platformKeys }: WechatpayOptions,
  request: HttpRequest,
): object {
  const json = readJson(request);
  refuseUnknown(json, ['serial']);
  const serial = optionalText(json, 'serial');
  const key = platformKeys.find((known) => known.serial === serial);
  if (!key)
    throw new ControlError(400, `serial must be one of ${platformKeys.map((known) => known.serial).join(', ')}.`);
  return wechatpay.settings.put({ id: 'notification_key', serial: key.serial });
}

function keepSyntheticBill(wechatpay: WechatpayState, request: HttpRequest): object {
  const json = readJson(request);
  refuseUnknown(json, ['date', 'rows']);
  const date = optionalText(json, 'date') ?? '';
  if (parseBeijingDate(date) === null) throw new ControlError(400, 'date must be a day like 2027-01-01.');
  const rows = readSyntheticRows(json, billRowsMax);
  return wechatpay.syntheticBills.put({ id: date, rows });
}
