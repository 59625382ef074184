import type { HttpRequest } from '../http.ts';
import type { WechatpayState } from './state.ts';

/** A request with the decoded segment for `:id` and the parsed query. */
export type EndpointRequest = { readonly request: HttpRequest; readonly id: string; readonly query: URLSearchParams };

/** The JSON body of the response, or null for 204. */
export type EndpointResult = object | null;

/** `execute` runs inside a ledger transaction. @throws {WechatpayRefusal} */
export type Endpoint = {
  readonly method: 'GET' | 'POST';
  /** `:id` stands for one segment. */
  readonly path: string;
  /** The name for fault rules. */
  readonly operation: string;
  readonly execute: (wechatpay: WechatpayState, request: EndpointRequest) => EndpointResult;
};
