import { type Action, ControlError, optionalNumber, optionalText, readJson, refuseUnknown } from '../control-input.ts';
import type { HttpRequest } from '../http.ts';
import { readBillDate } from './bills.ts';
import { actAsBuyer, type BuyerAction } from './cashier.ts';
import { AlipayRefusal } from './errors.ts';
import { refundInLedger, tradeInLedger } from './ground-truth.ts';
import { failRefund, findRefundByNumber, refundableOf, refundTrade, succeedRefund } from './refunds.ts';
import { type AlipayState, newDigits, newestOffer, type RefundRow, type TradeRow } from './state.ts';
import { closeTrade, findTrade, finishTrade, payAnyway } from './trades.ts';

/** As many as a test of a large merchant's day needs. */
const billRowsMax = 5_000_000;
const buyerActions = ['scan', 'pay', 'decline'] as const satisfies readonly BuyerAction[];

/** What can be done at Alipay behind the merchant's back, and what its buyers do. */
export function alipayConsole(alipay: AlipayState): Readonly<Record<string, Action>> {
  return refusing({
    'POST /control/alipay/buyer/:id': (request, id) => playBuyer(alipay, request, id),
    'POST /control/alipay/refunds': (request) => refundByHand(alipay, request),
    'POST /control/alipay/refunds/:id/succeed': (_request, id) => decideRefund(alipay, id, succeedRefund),
    'POST /control/alipay/refunds/:id/fail': (_request, id) => decideRefund(alipay, id, failRefund),
    'POST /control/alipay/trades/:id/succeed': (_request, id) => succeedTrade(alipay, id),
    'POST /control/alipay/trades/:id/finish': (_request, id) => changeTrade(alipay, id, finishTrade),
    'POST /control/alipay/trades/:id/close': (_request, id) => changeTrade(alipay, id, closeTrade),
    'POST /control/alipay/bills': (request) => makeUpBill(alipay, request),
  });
}

/** What Alipay refuses, the control API refuses alike. */
function refusing(actions: Readonly<Record<string, Action>>): Readonly<Record<string, Action>> {
  const guarded = (action: Action): Action => {
    return (request, id) => {
      try {
        return action(request, id);
      } catch (error) {
        if (!(error instanceof AlipayRefusal)) throw error;
        throw new ControlError(error.problem.sub_code === 'ACQ.TRADE_NOT_EXIST' ? 404 : 409, error.message);
      }
    };
  };
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, guarded(action)]));
}

function playBuyer(alipay: AlipayState, request: HttpRequest, outTradeNo: string): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['action']);
  const action = buyerActions.find((known) => known === json.action);
  if (action === undefined) throw new ControlError(400, `action must be one of ${buyerActions.join(', ')}.`);
  const offer = newestOffer(alipay, outTradeNo);
  if (!offer) throw new ControlError(404, 'Nobody was asked to pay under this out_trade_no.');
  return tradeInLedger(alipay, actAsBuyer(alipay, offer, action));
}

/** A refund made by hand: under a number of Alipay's own, and nobody asked the merchant. Without an amount, all that is left. */
function refundByHand(alipay: AlipayState, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['out_trade_no', 'trade_no', 'amount', 'reason']);
  const amount = optionalNumber(json, 'amount', 1, Number.MAX_SAFE_INTEGER);
  if (amount !== undefined && !Number.isInteger(amount)) throw new ControlError(400, 'amount must be whole fen.');
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
  if (!refund) throw new ControlError(404, 'There is no refund under this out_request_no.');
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
  if (!newestOffer(alipay, outTradeNo)) throw new ControlError(404, 'Nobody was asked to pay under this out_trade_no.');
  alipay.ledger.transact(() => payAnyway(alipay, outTradeNo));
  return tradeInLedger(alipay, findTrade(alipay, { out_trade_no: outTradeNo }));
}

function makeUpBill(alipay: AlipayState, request: HttpRequest): unknown {
  const json = readJson(request);
  refuseUnknown(json, ['date', 'rows']);
  const date = readBillDate(optionalText(json, 'date') ?? '');
  if (date === null) throw new ControlError(400, 'date must be a day, yyyy-MM-dd, or a month, yyyy-MM.');
  const rows = optionalNumber(json, 'rows', 0, billRowsMax);
  if (rows === undefined || !Number.isInteger(rows)) throw new ControlError(400, 'rows must be a whole number.');
  return alipay.ledger.transact(() => alipay.madeUpBills.put({ id: date.text, rows }));
}
