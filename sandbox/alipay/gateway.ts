import { messagePage } from '../cashier-page.ts';
import type { Applied, RequestFault } from '../faults.ts';
import { type HttpOutcome, type HttpRequest, type HttpResponse, redirectResponse } from '../http.ts';
import { delayed, misdelivered } from '../response-faults.ts';
import { serveBill } from './bills.ts';
import { AlipayRefusal, businessRefusal, gatewayRefusal } from './errors.ts';
import { cashierPath, pageMethods, serverMethods } from './methods.ts';
import { readTerms } from './params.ts';
import { checkCall, type Gate, type GatewayCall, readParams } from './request.ts';
import { type Answering, type Manner, nodeName, nodeResponse, serverErrorResponse } from './responses.ts';
import { type AlipayState, newestOffer, type OfferRow, type Terms } from './state.ts';
import { makeOffer } from './trades.ts';

const gatewayPath = '/gateway.do';
const billPath = '/alipay/bills/';

export function isAlipayApi(path: string): boolean {
  return path === gatewayPath || path.startsWith(billPath);
}

/** Whom it serves, and how it proves who it is. */
export type Gateway = { readonly alipay: AlipayState; readonly gate: Gate; readonly answering: Answering };

/** Answers one request at the gateway, or for a bill's file, well or ill as the fault rules say. Never rejects. */
export async function serveAlipayApi(gateway: Gateway, request: HttpRequest): Promise<HttpOutcome> {
  try {
    if (request.path !== gatewayPath) return serveBill(gateway.alipay, request.path.slice(billPath.length));
    return await serveCall(gateway, request);
  } catch (error) {
    console.error('sandbox: a request failed', error);
    return serverErrorResponse();
  }
}

async function serveCall(gateway: Gateway, request: HttpRequest): Promise<HttpOutcome> {
  const { alipay, gate } = gateway;
  let method = '';
  try {
    const params = readParams(request);
    method = params.get('method') ?? '';
    const call = checkCall(params, gate, alipay.clock.wireMs());
    if (!pageMethods.has(method) && !serverMethods.has(method)) {
      throw gatewayRefusal('40002', 'isv.invalid-method', '不存在的方法名');
    }
    const rule = alipay.faults.takeRequest({
      method: request.method,
      path: request.path,
      operation: method,
      text: `${params.get('biz_content') ?? ''}\n${request.query}\n${request.body}`,
    });
    return await answered(gateway, call, rule);
  } catch (error) {
    return refusalResponse(gateway, method, error, asAlways);
  }
}

/** @throws {AlipayRefusal} for a fault that refuses before anything is done. */
async function answered(gateway: Gateway, call: GatewayCall, rule: Applied<RequestFault> | null): Promise<HttpOutcome> {
  const executed = (): HttpResponse => spoiled(gateway, call, rule, execute(gateway, call, mannerOf(rule)));
  switch (rule?.fault) {
    case 'reset_before':
      return 'reset';
    case 'timeout_before':
      return 'unanswered';
    case 'error_500_before':
      return serverErrorResponse();
    case 'rate_limit':
      throw gatewayRefusal('40005', 'isv.app-call-limited', '应用调用次数超限，包含调用频率超限');
    case 'lock_timeout':
      throw businessRefusal('ACQ.SYSTEM_ERROR', '系统异常');
    case 'refuse':
      throw businessRefusal('ACQ.TRADE_STATUS_ERROR', '交易状态不合法');
    case 'delay':
      return delayed(gateway.alipay, rule.ms ?? 0, executed);
    default:
      return misdelivered(gateway.alipay, executed(), rule);
  }
}

/** What was done is answered, refusals as well. */
function execute(gateway: Gateway, call: GatewayCall, manner: Manner): HttpResponse {
  const { alipay } = gateway;
  try {
    return alipay.ledger.transact(() => perform(gateway, call, manner));
  } catch (error) {
    return refusalResponse(gateway, call.method, error, manner);
  }
}

function perform(gateway: Gateway, call: GatewayCall, manner: Manner): HttpResponse {
  const { alipay, answering } = gateway;
  const product = pageMethods.get(call.method);
  if (product !== undefined) {
    const offer = offerFor(alipay, readTerms(call, product));
    return redirectResponse(cashierPath(offer.id, offer.terms.product));
  }
  const node = serverMethods.get(call.method)?.(alipay, call) ?? {};
  if (node instanceof AlipayRefusal) return refusalResponse(gateway, call.method, node, manner);
  const told = { code: '10000', msg: 'Success', ...node };
  return nodeResponse(answering, nodeName(call.method), told, manner, traceId(alipay));
}

/** A buyer who opens a link again once it is paid, or over, comes to the page that says so. @throws {AlipayRefusal} */
function offerFor(alipay: AlipayState, terms: Terms): OfferRow {
  const trade = alipay.trades.get(terms.outTradeNo);
  const isOver = trade !== undefined && trade.status !== 'WAIT_BUYER_PAY';
  return (isOver ? newestOffer(alipay, terms.outTradeNo) : undefined) ?? makeOffer(alipay, terms);
}

/** What becomes of an answer that was already made. */
function spoiled(
  gateway: Gateway,
  { method }: GatewayCall,
  rule: Applied<RequestFault> | null,
  done: HttpResponse,
): HttpResponse {
  switch (rule?.fault) {
    case 'error_500_after':
      return serverErrorResponse();
    case 'system_error':
      return refusalResponse(gateway, method, gatewayRefusal('20000', 'isp.unknow-error', '服务暂不可用'), asAlways);
    default:
      return done;
  }
}

const asAlways: Manner = { signed: 'right', charset: 'utf-8' };

function mannerOf(rule: Applied<RequestFault> | null): Manner {
  switch (rule?.fault) {
    case 'unsigned':
      return { ...asAlways, signed: 'none' };
    case 'bad_signature':
      return { ...asAlways, signed: 'wrong' };
    case 'gbk':
      return { ...asAlways, charset: 'GBK' };
    default:
      return asAlways;
  }
}

/** A browser is shown a page, a server gets a node. Anything but a refusal is a bug, and thrown on. */
function refusalResponse({ alipay, answering }: Gateway, method: string, error: unknown, manner: Manner): HttpResponse {
  if (!(error instanceof AlipayRefusal)) throw error;
  if (pageMethods.has(method)) return messagePage(400, 'Alipay cannot show this payment', error.message);
  const name = error.by === 'gateway' ? 'error_response' : nodeName(method);
  return nodeResponse(answering, name, error.problem, manner, traceId(alipay));
}

function traceId({ newId }: AlipayState): string {
  return newId('', 32).toLowerCase();
}
