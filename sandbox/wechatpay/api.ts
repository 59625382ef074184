import type { Applied, RequestFault } from '../faults.ts';
import { type HttpRequest, type HttpResponse, type HttpResult, headerOf } from '../http.ts';
import { decodeSegment, matchPath } from '../path-pattern.ts';
import { executeLater, withResponseFault } from '../response-faults.ts';
import type { BillDownloads } from './bill-downloads.ts';
import { certificateList } from './certificates.ts';
import type { Endpoint } from './endpoints.ts';
import { systemError, WechatpayRefusal } from './errors.ts';
import { paymentEndpoints } from './payment-endpoints.ts';
import { RequestGuard } from './request-guard.ts';
import { signatureHeaders } from './signing.ts';
import type { PlatformKey, WechatpayOptions, WechatpayState } from './state.ts';

/** A routed request. `execute` applies the fault. @throws {WechatpayRefusal} */
type RoutedRequest = {
  readonly operation: string;
  readonly execute: (fault: RequestFault | undefined) => HttpResponse;
};

/** Serves requests under /v3 and applies the fault rules. */
export class WechatpayApi {
  #wechatpay: WechatpayState;
  #options: WechatpayOptions;
  #guard: RequestGuard;
  #bills: BillDownloads;
  #endpoints: readonly Endpoint[];

  constructor(wechatpay: WechatpayState, options: WechatpayOptions, bills: BillDownloads) {
    this.#wechatpay = wechatpay;
    this.#options = options;
    this.#guard = new RequestGuard(options, wechatpay.clock);
    this.#bills = bills;
    const certificates: Endpoint = {
      method: 'GET',
      path: '/v3/certificates',
      operation: 'certificates.list',
      execute: () => certificateList(wechatpay, options),
    };
    const tradeBill: Endpoint = {
      method: 'GET',
      path: '/v3/bill/tradebill',
      operation: 'bills.trade',
      execute: (_wechatpay, { query }) => bills.prepare(query),
    };
    this.#endpoints = [...paymentEndpoints, certificates, tradeBill];
  }

  /** Never rejects. */
  async serve(request: HttpRequest): Promise<HttpResult> {
    try {
      this.#guard.check(request);
      const { operation, execute } = this.#route(request);
      const rule = this.#takeRule(request, operation);
      if (rule?.fault === 'reset_before') return 'reset';
      if (rule?.fault === 'timeout_before') return 'unanswered';
      refuseBefore(rule?.fault);
      const executeOrRefuse = (): HttpResponse => {
        try {
          return execute(rule?.fault);
        } catch (error) {
          return this.#refused(request, error);
        }
      };
      if (rule?.fault === 'delay') return await executeLater(this.#wechatpay, rule.ms ?? 0, executeOrRefuse);
      return await withResponseFault(this.#wechatpay, executeOrRefuse(), rule);
    } catch (error) {
      return this.#refused(request, error);
    }
  }

  #route(request: HttpRequest): RoutedRequest {
    const query = new URLSearchParams(request.query);
    if (request.path === this.#bills.downloadPath && request.method === 'GET') {
      // The only unsigned response: the merchant has the hash of the file from a signed one.
      return { operation: 'bills.download', execute: () => this.#bills.download(query) };
    }
    const { endpoint, id } = this.#findEndpoint(request);
    return {
      operation: endpoint.operation,
      execute: (fault) => {
        const body = this.#wechatpay.ledger.transact(() => endpoint.execute(this.#wechatpay, { request, id, query }));
        if (fault === 'error_500_after' || fault === 'system_error') throw systemError();
        return this.#respond(request, body === null ? 204 : 200, body, fault);
      },
    };
  }

  #takeRule(request: HttpRequest, operation: string): Applied<RequestFault> | null {
    return this.#wechatpay.faults.takeRequest({
      method: request.method,
      path: request.path,
      operation,
      text: [request.path, request.query, request.body].join('\n'), // the path contains numbers too
    });
  }

  #refused(request: HttpRequest, error: unknown): HttpResponse {
    if (error instanceof WechatpayRefusal) return this.#respond(request, error.status, error.body);
    console.error('sandbox: a request failed', error);
    return this.#respond(request, 500, systemError().body);
  }

  /** Signs every response, including 204 and refusals, unless a fault changes that. */
  #respond(request: HttpRequest, status: number, value: object | null, fault?: RequestFault): HttpResponse {
    const body = value === null ? '' : JSON.stringify(value);
    const type: Record<string, string> = value === null ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
    const headers = {
      ...type,
      'Cache-Control': 'no-cache, must-revalidate',
      'Request-ID': this.#wechatpay.newId('', 32),
    };
    if (fault === 'unsigned') return { status, headers, body };
    const requested = this.#keyFor(request);
    const key = fault === 'wrong_serial' ? { ...requested, serial: this.#options.merchantSerial } : requested;
    const kind = fault === 'bad_signature' ? 'wrong' : fault === 'probe' ? 'probe' : 'right';
    const signed = signatureHeaders(this.#wechatpay, key, body, this.#wechatpay.clock.wireSeconds(), kind);
    return { status, headers: { ...headers, ...signed }, body };
  }

  /** The key that `Wechatpay-Serial` names; else the first one. */
  #keyFor(request: HttpRequest): PlatformKey {
    const { platformKeys } = this.#options;
    const wanted = headerOf(request, 'wechatpay-serial');
    const key = platformKeys.find(({ serial }) => serial === wanted) ?? platformKeys[0];
    if (!key) throw new Error('WeChat Pay has no platform key.');
    return key;
  }

  /** @throws {WechatpayRefusal} 404 for an unknown path, 405 for an unknown method of a known path. */
  #findEndpoint({ method, path }: HttpRequest): { readonly endpoint: Endpoint; readonly id: string } {
    const hasEmptySegment = path.endsWith('/') || path.includes('//');
    const found = this.#endpoints.flatMap((endpoint) => {
      const id = hasEmptySegment ? null : matchPath(endpoint.path, path);
      return id === null ? [] : [{ endpoint, id: decodeSegment(id) }];
    });
    const match = found.find(({ endpoint }) => endpoint.method === method);
    if (match) return match;
    if (found.length > 0) throw new WechatpayRefusal(405, 'PARAM_ERROR', '请求的HTTP方法不被支持');
    throw new WechatpayRefusal(404, 'RESOURCE_NOT_EXISTS', '请求的资源不存在');
  }
}

/** @throws {WechatpayRefusal} for a fault that refuses the request before it is executed. */
function refuseBefore(fault: RequestFault | undefined): void {
  switch (fault) {
    case 'rate_limit':
      throw new WechatpayRefusal(429, 'FREQUENCY_LIMITED', '频率超限');
    case 'user_paying':
      throw new WechatpayRefusal(202, 'USERPAYING', '用户支付中，需要输入密码');
    case 'refuse':
      throw new WechatpayRefusal(400, 'INVALID_REQUEST', '无效请求');
    case 'error_500_before':
    case 'lock_timeout':
      throw systemError();
    default:
      return;
  }
}
