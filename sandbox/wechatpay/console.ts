import { type Action, ControlError, optionalNumber, optionalText, readJson, refuseUnknown } from '../control-input.ts';
import type { HttpRequest } from '../http.ts';
import { isDate } from './bill-downloads.ts';
import { openByBridge, readBridgeCall } from './bridge.ts';
import { WechatpayRefusal } from './errors.ts';
import { refundObject, transactionObject } from './objects.ts';
import { closeOrder, leaveOrder, openOrder, orderOf, payOrder, succeed } from './orders.ts';
import { createRefund, endRefund, orderToRefund } from './refunds.ts';
import type { OrderRow, RefundStatus, WechatpayOptions, WechatpayState } from './state.ts';

const billRowsMax = 2_000_000;

/** What the buyer does, what can be done in the merchant platform, and what WeChat Pay does by itself. */
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
  return guarded(wechatpay, {
    'POST /control/wechatpay/buyer/:id': onOrder((order, request) => actAsBuyer(wechatpay, order, request)),
    'POST /control/wechatpay/bridge': (request) =>
      transactionObject(wechatpay, openByBridge(wechatpay, options, readBridgeCall(readJson(request)))),
    'POST /control/wechatpay/transactions/:id/succeed': onOrder((order) => succeed(wechatpay, order)),
    'POST /control/wechatpay/transactions/:id/close': onOrder((order) => closeOrder(wechatpay, order)),
    'POST /control/wechatpay/refunds': (request) => refundInConsole(wechatpay, request),
    'POST /control/wechatpay/refunds/:id/succeed': end('SUCCESS'),
    'POST /control/wechatpay/refunds/:id/fail': end('ABNORMAL'),
    'POST /control/wechatpay/refunds/:id/close': end('CLOSED'),
    'POST /control/wechatpay/notification-key': (request) => chooseNotificationKey(wechatpay, options, request),
    'POST /control/wechatpay/bills': (request) => keepSyntheticBill(wechatpay, request),
  });
}

/** Each action is kept whole or not at all. What WeChat Pay refuses, the control API refuses alike. */
function guarded(
  wechatpay: WechatpayState,
  actions: Readonly<Record<string, Action>>,
): Readonly<Record<string, Action>> {
  const guard = (action: Action): Action => {
    return (request, id) => {
      try {
        return wechatpay.ledger.transact(() => action(request, id));
      } catch (error) {
        if (error instanceof WechatpayRefusal) throw new ControlError(error.status, `${error.code}: ${error.message}`);
        if (error instanceof URIError) throw new ControlError(400, 'The path is not well encoded.');
        throw error;
      }
    };
  };
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, guard(action)]));
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

/** A refund made by hand in the merchant platform, under a number that was made there: nobody asked the merchant's program. */
function refundInConsole(wechatpay: WechatpayState, request: HttpRequest): object {
  const json = readJson(request);
  refuseUnknown(json, ['out_trade_no', 'transaction_id', 'amount', 'reason']);
  const order = orderToRefund(wechatpay, optionalText(json, 'transaction_id'), optionalText(json, 'out_trade_no'));
  const amount = optionalNumber(json, 'amount', 1, Number.MAX_SAFE_INTEGER) ?? order.total - order.refundHeld;
  if (!Number.isInteger(amount) || amount < 1) throw new ControlError(400, 'amount must be a whole number of fen.');
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

/** While a merchant moves from certificates to the public key, WeChat Pay switches notifications when it likes. */
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
  const rows = optionalNumber(json, 'rows', 0, billRowsMax);
  if (!isDate(date)) throw new ControlError(400, 'date must be a day like 2027-01-01.');
  if (rows === undefined || !Number.isInteger(rows)) throw new ControlError(400, 'rows must be a whole number.');
  return wechatpay.syntheticBills.put({ id: date, rows });
}
