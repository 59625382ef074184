import type { HttpResponse } from '../http.ts';
import { type Charset, encoded } from './charset.ts';

/** `none` and `wrong` are faults: the answer is as it should be, but nobody can know that. */
export type Signed = 'right' | 'wrong' | 'none';

/** How an answer is written. */
export type Manner = { readonly signed: Signed; readonly charset: Charset };

export type Answering = {
  readonly sign: (text: string | Buffer) => string;
  /** The serial number that answers carry beside their signature in certificate mode. */
  readonly alipayCertSn: string | null;
};

/**
 * `{"<name>":{…},"alipay_cert_sn":"…","sign":"…"}`. Signed is the node's text exactly as it is sent, with slashes escaped as PHP and
 * fastjson do it: whoever parses it and writes it again has another text.
 */
export function nodeResponse(
  answering: Answering,
  name: string,
  node: object,
  { signed, charset }: Manner,
  traceId: string,
): HttpResponse {
  const text = JSON.stringify(node).replaceAll('/', '\\/');
  const over = { right: text, wrong: `${text} `, none: null }[signed];
  const sign = over === null ? null : answering.sign(encoded(over, charset));
  const members = [
    `"${name}":${text}`,
    ...(answering.alipayCertSn === null ? [] : [`"alipay_cert_sn":${JSON.stringify(answering.alipayCertSn)}`]),
    ...(sign === null ? [] : [`"sign":"${sign}"`]),
  ];
  return {
    status: 200,
    headers: { 'Content-Type': `text/html;charset=${charset}`, 'Cache-Control': 'no-store', trace_id: traceId },
    body: charset === 'utf-8' ? `{${members.join(',')}}` : encoded(`{${members.join(',')}}`, charset),
  };
}

/** `alipay.trade.query` answers in `alipay_trade_query_response`. */
export function nodeName(method: string): string {
  return `${method.replaceAll('.', '_')}_response`;
}

export function serverErrorResponse(): HttpResponse {
  return {
    status: 500,
    headers: { 'Content-Type': 'text/html;charset=utf-8' },
    body: '<html><body><h1>500 Internal Server Error</h1></body></html>',
  };
}
