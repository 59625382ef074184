import type { HttpResponse } from '../http.ts';
import { type Charset, encoded } from './charset.ts';

/** `none` and `wrong` are faults: the content is right, but the merchant cannot verify it. */
export type SignatureKind = 'right' | 'wrong' | 'none';

export type ResponseFormat = { readonly signed: SignatureKind; readonly charset: Charset };

export type ResponseSigner = {
  readonly sign: (text: string | Buffer) => string;
  /** Certificate mode: the serial number in each response. Null in key mode. */
  readonly alipayCertSn: string | null;
};

/**
 * `{"<name>":{…},"alipay_cert_sn":"…","sign":"…"}`. The signature covers the node's text exactly as sent, with slashes escaped as PHP
 * and fastjson do: a client that parses and serializes it gets another text.
 */
export function nodeResponse(
  signer: ResponseSigner,
  name: string,
  node: object,
  { signed, charset }: ResponseFormat,
  traceId: string,
): HttpResponse {
  const text = JSON.stringify(node).replaceAll('/', '\\/');
  const signedText = { right: text, wrong: `${text} `, none: null }[signed];
  const sign = signedText === null ? null : signer.sign(encoded(signedText, charset));
  const members = [
    `"${name}":${text}`,
    ...(signer.alipayCertSn === null ? [] : [`"alipay_cert_sn":${JSON.stringify(signer.alipayCertSn)}`]),
    ...(sign === null ? [] : [`"sign":"${sign}"`]),
  ];
  return {
    status: 200,
    headers: { 'Content-Type': `text/html;charset=${charset}`, 'Cache-Control': 'no-store', trace_id: traceId },
    body: charset === 'utf-8' ? `{${members.join(',')}}` : encoded(`{${members.join(',')}}`, charset),
  };
}

/** The response of `alipay.trade.query` is in the node `alipay_trade_query_response`. */
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
