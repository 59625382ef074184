import type { HttpRequest } from '../http.ts';
import type { WechatpayState } from './state.ts';

/** Which piece of the path stood for `:id`, decoded, and the query. */
export type Asked = { readonly request: HttpRequest; readonly id: string; readonly query: URLSearchParams };

/** What an endpoint did: a body of JSON, or null for 204. */
export type Done = object | null;

/** Executes inside a transaction of the ledger. @throws {WechatpayRefusal} */
export type Endpoint = {
  readonly method: 'GET' | 'POST';
  /** With `:id` for one piece. */
  readonly path: string;
  /** As fault rules name it. */
  readonly operation: string;
  readonly execute: (wechatpay: WechatpayState, asked: Asked) => Done;
};
