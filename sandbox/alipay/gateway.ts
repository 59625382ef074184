import { messagePage } from '../cashier-page.ts';
import type { Applied, RequestFault } from '../faults.ts';
import { type HttpRequest, type HttpResponse, type HttpResult, redirectResponse } from '../http.ts';
import { executeLater, withResponseFault } from '../response-faults.ts';
import { serveBill } from './bills.ts';
import { AlipayRefusal, businessRefusal, gatewayRefusal } from './errors.ts';
import { cashierPath, pageMethods, serverMethods } from './methods.ts';
import { readTerms } from './params.ts';
import { checkCall, type GatewayCall, type MerchantCredentials, readParams } from './request.ts';
import { nodeName, nodeResponse, type ResponseFormat, type ResponseSigner, serverErrorResponse } from './responses.ts';
import { type AlipayState, newestOffer, type OfferRow, type Terms } from './state.ts';
import { makeOffer } from './trades.ts';

const gatewayPath = '/gateway.do';
const billPath = '/alipay/bills/';

export function isAlipayApi(path: string): boolean {
  return path === gatewayPath || path.startsWith(billPath);
}

/** The state, the credentials that verify requests, and the signer of responses. */
export type Gateway = {
  readonly alipay: AlipayState;
  readonly credentials: MerchantCredentials;
  readonly signer: ResponseSigner;
};

/** Serves one gateway request or bill download and applies the fault rules. Never rejects. */
export async function serveAlipayApi(gateway: Gateway, request: HttpRequest): Promise<HttpResult> {
  try {
    if (request.path !== gatewayPath) return serveBill(gateway.alipay, request.path.slice(billPath.length));
    return await serveCall(gateway, request);
  } catch (error) {
    console.error('sandbox: a request failed', error);
    return serverErrorResponse();
  }
}

async function serveCall(gateway: Gateway, request: HttpRequest): Promise<HttpResult> {
  const { alipay, credentials } = gateway;
  let method = '';
  try {
    const params = readParams(request);
    method = params.get('method') ?? '';
    const call = checkCall(params, credentials, alipay.clock.wireMs());
    if (!pageMethods.has(method) && !serverMethods.has(method)) {
      throw gatewayRefusal('40002', 'isv.invalid-method', '不存在的方法名');
    }
    const rule = alipay.faults.takeRequest({
      method: request.method,
      path: request.path,
      operation: method,
      text: `${params.get('biz_content') ?? ''}\n${request.query}\n${request.body}`,
    });
    return await serveWithFault(gateway, call, rule);
  } catch (error) {
    return refusalResponse(gateway, method, error, usualFormat);
  }
}

/** @throws {AlipayRefusal} for a fault that refuses the request before it is executed. */
async function serveWithFault(
  gateway: Gateway,
  call: GatewayCall,
  rule: Applied<RequestFault> | null,
): Promise<HttpResult> {
  const executeWithFault = (): HttpResponse =>
    replacedByFault(gateway, call, rule, execute(gateway, call, formatFor(rule)));
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
      return executeLater(gateway.alipay, rule.ms ?? 0, executeWithFault);
    default:
      return withResponseFault(gateway.alipay, executeWithFault(), rule);
  }
}

/** Executes a call in a transaction. A refusal is a response too. */
function execute(gateway: Gateway, call: GatewayCall, format: ResponseFormat): HttpResponse {
  const { alipay } = gateway;
  try {
    return alipay.ledger.transact(() => perform(gateway, call, format));
  } catch (error) {
    return refusalResponse(gateway, call.method, error, format);
  }
}

function perform(gateway: Gateway, call: GatewayCall, format: ResponseFormat): HttpResponse {
  const { alipay, signer } = gateway;
  const product = pageMethods.get(call.method);
  if (product !== undefined) {
    const offer = offerFor(alipay, readTerms(call, product));
    return redirectResponse(cashierPath(offer.id, offer.terms.product));
  }
  const node = serverMethods.get(call.method)?.(alipay, call) ?? {};
  if (node instanceof AlipayRefusal) return refusalResponse(gateway, call.method, node, format);
  const body = { code: '10000', msg: 'Success', ...node };
  return nodeResponse(signer, nodeName(call.method), body, format, traceId(alipay));
}

/** The offer for the terms. A link that is opened again after its trade has ended leads to the page of that trade. @throws {AlipayRefusal} */
function offerFor(alipay: AlipayState, terms: Terms): OfferRow {
  const trade = alipay.trades.get(terms.outTradeNo);
  const isOver = trade !== undefined && trade.status !== 'WAIT_BUYER_PAY';
  return (isOver ? newestOffer(alipay, terms.outTradeNo) : undefined) ?? makeOffer(alipay, terms);
}

/** Replaces the response of an executed call when the fault says so. */
function replacedByFault(
  gateway: Gateway,
  { method }: GatewayCall,
  rule: Applied<RequestFault> | null,
  done: HttpResponse,
): HttpResponse {
  switch (rule?.fault) {
    case 'error_500_after':
      return serverErrorResponse();
    case 'system_error':
      return refusalResponse(gateway, method, gatewayRefusal('20000', 'isp.unknow-error', '服务暂不可用'), usualFormat);
    default:
      return done;
  }
}

const usualFormat: ResponseFormat = { signed: 'right', charset: 'utf-8' };

function formatFor(rule: Applied<RequestFault> | null): ResponseFormat {
  switch (rule?.fault) {
    case 'unsigned':
      return { ...usualFormat, signed: 'none' };
    case 'bad_signature':
      return { ...usualFormat, signed: 'wrong' };
    case 'gbk':
      return { ...usualFormat, charset: 'GBK' };
    default:
      return usualFormat;
  }
}

/** A page for a browser, a node for a server. Any other error than a refusal is a bug and is rethrown. */
function refusalResponse(
  { alipay, signer }: Gateway,
  method: string,
  error: unknown,
  format: ResponseFormat,
): HttpResponse {
  if (!(error instanceof AlipayRefusal)) throw error;
  if (pageMethods.has(method)) return messagePage(400, 'Alipay refused this payment', error.message);
  const name = error.by === 'gateway' ? 'error_response' : nodeName(method);
  return nodeResponse(signer, name, error.problem, format, traceId(alipay));
}

function traceId({ newId }: AlipayState): string {
  return newId('', 32).toLowerCase();
}
