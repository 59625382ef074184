import { readSyntheticRows } from '../bill-files.ts';
import {
  type Action,
  ControlError,
  optionalText,
  optionalWholeNumber,
  readJson,
  refuseUnknown,
  refusingActions,
} from '../control-input.ts';
import type { HttpRequest } from '../http.ts';
import { newDigits } from '../random.ts';
import { readBillDate } from './bills.ts';
import { actAsBuyer, type BuyerAction } from './cashier.ts';
import { AlipayRefusal } from './errors.ts';
import { refundInLedger, tradeInLedger } from './ledger-report.ts';
import { failRefund, findRefundByNumber, refundableOf, refundTrade, succeedRefund } from './refunds.ts';
import { type AlipayState, newestOffer, type RefundRow, type TradeRow } from './state.ts';
import { closeTrade, findTrade, finishTrade, forcePayment } from './trades.ts';

/** The size of a large merchant's day. */
const billRowsMax = 5_000_000;
const buyerActions = ['scan', 'pay', 'decline'] as const satisfies readonly BuyerAction[];

/** The control actions of Alipay: acts of its buyers, and changes that the merchant did not request. */
export function alipayConsole(alipay: AlipayState): Readonly<Record<string, Action>> {
  const actions: Record<string, Action> = {
    'POST /control/alipay/buyer/:id': (request, id) => playBuyer(alipay, request, id),
    'POST /control/alipay/refunds': (request) => refundInConsole(alipay, request),
    'POST /control/alipay/refunds/:id/succeed': (_request, id) => decideRefund(alipay, id, succeedRefund),
    'POST /control/alipay/refunds/:id/fail': (_request, id) => decideRefund(alipay, id, failRefund),
    'POST /control/alipay/trades/:id/succeed': (_request, id) => succeedTrade(alipay, id),
    'POST /control/alipay/trades/:id/finish': (_request, id) => changeTrade(alipay, id, finishTrade),
    'POST /control/alipay/trades/:id/close': (_request, id) => changeTrade(alipay, id, closeTrade),
    'POST /control/alipay/bills': (request) => keepSyntheticBill(alipay, request),
  };
  return refusingActions(actions, toControlError);
}

function toControlError(error: unknown): ControlError | null {
  if (!(error instanceof AlipayRefusal)) return null;
  return new ControlError(error.problem.sub_code === 'ACQ.TRADE_NOT_EXIST' ? 404 : 409, error.message);
}

function playBuyer(alipay: AlipayState, request: HttpRequest, outTradeNo: string): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['action']);
  const action = buyerActions.find((known) => known === json.action);
  if (action === undefined) throw new ControlError(400, `action must be one of ${buyerActions.join(', ')}.`);
  const offer = newestOffer(alipay, outTradeNo);
  if (!offer) throw new ControlError(404, 'There is no payment with this out_trade_no.');
  return tradeInLedger(alipay, actAsBuyer(alipay, offer, action));
}

/** A refund made in Alipay's console, with a number that Alipay makes. Without an amount, it refunds the rest. */
function refundInConsole(alipay: AlipayState, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['out_trade_no', 'trade_no', 'amount', 'reason']);
  const amount = optionalWholeNumber(json, 'amount', 1, Number.MAX_SAFE_INTEGER);
  return alipay.ledger.transact(() => {
    const by = { out_trade_no: optionalText(json, 'out_trade_no'), trade_no: optionalText(json, 'trade_no') };
    const trade = findTrade(alipay, by);
    const { refund } = refundTrade(alipay, trade, {
      outRequestNo: `HZ${newDigits(alipay, 20)}`,
      amount: amount ?? Math.max(1, refundableOf(alipay, trade)),
      reason: optionalText(json, 'reason') ?? null,
      origin: 'PROVIDER',
    });
    return refundInLedger(refund);
  });
}

type RefundAct = (alipay: AlipayState, refund: RefundRow) => RefundRow;

function decideRefund(alipay: AlipayState, outRequestNo: string, act: RefundAct): unknown {
  const refund = findRefundByNumber(alipay, outRequestNo);
  if (!refund) throw new ControlError(404, 'There is no refund with this out_request_no.');
  return refundInLedger(alipay.ledger.transact(() => act(alipay, refund)));
}

type TradeAct = (alipay: AlipayState, trade: TradeRow) => TradeRow;

function changeTrade(alipay: AlipayState, outTradeNo: string, act: TradeAct): unknown {
  return tradeInLedger(
    alipay,
    alipay.ledger.transact(() => act(alipay, findTrade(alipay, { out_trade_no: outTradeNo }))),
  );
}

function succeedTrade(alipay: AlipayState, outTradeNo: string): unknown {
  if (!newestOffer(alipay, outTradeNo)) throw new ControlError(404, 'There is no payment with this out_trade_no.');
  alipay.ledger.transact(() => forcePayment(alipay, outTradeNo));
  return tradeInLedger(alipay, findTrade(alipay, { out_trade_no: outTradeNo }));
}

function keepSyntheticBill(alipay: AlipayState, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['date', 'rows']);
  const date = readBillDate(optionalText(json, 'date') ?? '');
  if (date === null) throw new ControlError(400, 'date must be a day, yyyy-MM-dd, or a month, yyyy-MM.');
  const rows = readSyntheticRows(json, billRowsMax);
  return alipay.ledger.transact(() => alipay.syntheticBills.put({ id: date.text, rows }));
}
