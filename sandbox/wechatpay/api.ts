import type { Applied, RequestFault } from '../faults.ts';
import { type HttpOutcome, type HttpRequest, type HttpResponse, headerOf } from '../http.ts';
import { delayed, misdelivered } from '../response-faults.ts';
import { RequestGuard } from './authorization.ts';
import type { BillDesk } from './bill-downloads.ts';
import { certificateList } from './certificates.ts';
import type { Endpoint } from './endpoints.ts';
import { systemError, WechatpayRefusal } from './errors.ts';
import { paymentEndpoints } from './payment-endpoints.ts';
import { signatureHeaders } from './signing.ts';
import type { PlatformKey, WechatpayOptions, WechatpayState } from './state.ts';

/** What a request comes to; `answer` executes it, well or ill as the fault says. @throws {WechatpayRefusal} */
type Work = { readonly operation: string; readonly answer: (fault: RequestFault | undefined) => HttpResponse };

/** Answers requests under /v3, well or ill as the fault rules say. */
export class WechatpayApi {
  #wechatpay: WechatpayState;
  #options: WechatpayOptions;
  #guard: RequestGuard;
  #bills: BillDesk;
  #endpoints: readonly Endpoint[];

  constructor(wechatpay: WechatpayState, options: WechatpayOptions, bills: BillDesk) {
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
      execute: (_books, { query }) => bills.order(query),
    };
    this.#endpoints = [...paymentEndpoints, certificates, tradeBill];
  }

  /** Never rejects. */
  async serve(request: HttpRequest): Promise<HttpOutcome> {
    try {
      this.#guard.check(request);
      const { operation, answer } = this.#workOf(request);
      const rule = this.#takeRule(request, operation);
      if (rule?.fault === 'reset_before') return 'reset';
      if (rule?.fault === 'timeout_before') return 'unanswered';
      refuseBefore(rule?.fault);
      const executed = (): HttpResponse => {
        try {
          return answer(rule?.fault);
        } catch (error) {
          return this.#refused(request, error);
        }
      };
      if (rule?.fault === 'delay') return await delayed(this.#wechatpay, rule.ms ?? 0, executed);
      return await misdelivered(this.#wechatpay, executed(), rule);
    } catch (error) {
      return this.#refused(request, error);
    }
  }

  #workOf(request: HttpRequest): Work {
    const query = new URLSearchParams(request.query);
    if (request.path === this.#bills.downloadPath && request.method === 'GET') {
      // The one answer that is not signed: whoever asked knows the hash of the file.
      return { operation: 'bills.download', answer: () => this.#bills.download(query) };
    }
    const { endpoint, id } = this.#route(request);
    return {
      operation: endpoint.operation,
      answer: (fault) => {
        const done = this.#wechatpay.ledger.transact(() => endpoint.execute(this.#wechatpay, { request, id, query }));
        if (fault === 'error_500_after' || fault === 'system_error') throw systemError();
        return this.#answer(request, done === null ? 204 : 200, done, fault);
      },
    };
  }

  #takeRule(request: HttpRequest, operation: string): Applied<RequestFault> | null {
    return this.#wechatpay.faults.takeRequest({
      method: request.method,
      path: request.path,
      operation,
      text: [request.path, request.query, request.body].join('\n'), // numbers stand in the path as well
    });
  }

  #refused(request: HttpRequest, error: unknown): HttpResponse {
    if (error instanceof WechatpayRefusal) return this.#answer(request, error.status, error.body);
    console.error('sandbox: a request failed', error);
    return this.#answer(request, 500, systemError().body);
  }

  /** Signed like every answer, 204 and refusals too, unless a rule spoils it. */
  #answer(request: HttpRequest, status: number, value: object | null, fault?: RequestFault): HttpResponse {
    const body = value === null ? '' : JSON.stringify(value);
    const type: Record<string, string> = value === null ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
    const headers = {
      ...type,
      'Cache-Control': 'no-cache, must-revalidate',
      'Request-ID': this.#wechatpay.newId('', 32),
    };
    if (fault === 'unsigned') return { status, headers, body };
    const asked = this.#keyFor(request);
    const key = fault === 'wrong_serial' ? { ...asked, serial: this.#options.merchantSerial } : asked;
    const kind = fault === 'bad_signature' ? 'wrong' : fault === 'probe' ? 'probe' : 'right';
    const signed = signatureHeaders(this.#wechatpay, key, body, this.#wechatpay.clock.wireSeconds(), kind);
    return { status, headers: { ...headers, ...signed }, body };
  }

  /** The key that the client asks for, when there is such a key; else the first. */
  #keyFor(request: HttpRequest): PlatformKey {
    const { platformKeys } = this.#options;
    const asked = headerOf(request, 'wechatpay-serial');
    const key = platformKeys.find(({ serial }) => serial === asked) ?? platformKeys[0];
    if (!key) throw new Error('WeChat Pay needs a platform key.');
    return key;
  }

  /** @throws {WechatpayRefusal} 404 for what is no endpoint, 405 for one by another method. */
  #route(request: HttpRequest): { readonly endpoint: Endpoint; readonly id: string } {
    const steps = request.path.split('/');
    const found = this.#endpoints.filter(({ path }) => {
      const pattern = path.split('/');
      return (
        pattern.length === steps.length &&
        pattern.every((step, at) => step === steps[at] || (step === ':id' && steps[at] !== ''))
      );
    });
    const endpoint = found.find(({ method }) => method === request.method);
    if (endpoint) return { endpoint, id: decoded(steps[endpoint.path.split('/').indexOf(':id')] ?? '') };
    if (found.length > 0) throw new WechatpayRefusal(405, 'PARAM_ERROR', '请求的HTTP方法不被支持');
    throw new WechatpayRefusal(404, 'RESOURCE_NOT_EXISTS', '请求的资源不存在');
  }
}

/** @throws {WechatpayRefusal} for faults that are answered without executing anything. */
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

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step; // no number looks like that: the endpoint answers that there is none
  }
}
