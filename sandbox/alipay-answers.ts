import type { HttpAnswer } from './http.ts';

/** `none` and `wrong` are faults: the answer is as it should be, but nobody can know that. */
export type Signed = 'right' | 'wrong' | 'none';

export type Answering = {
  readonly sign: (text: string) => string;
  /** The serial number that answers carry beside their signature in certificate mode. */
  readonly alipayCertSn: string | null;
};

/**
 * `{"<name>":{…},"alipay_cert_sn":"…","sign":"…"}`. Signed is the node's text exactly as it is sent, with slashes escaped as PHP and
 * fastjson do it: whoever parses it and writes it again has another text.
 */
export function nodeAnswer(
  answering: Answering,
  name: string,
  node: object,
  signed: Signed,
  traceId: string,
): HttpAnswer {
  const text = JSON.stringify(node).replaceAll('/', '\\/');
  const sign = { right: () => answering.sign(text), wrong: () => answering.sign(`${text} `), none: () => null }[
    signed
  ]();
  const members = [
    `"${name}":${text}`,
    ...(answering.alipayCertSn === null ? [] : [`"alipay_cert_sn":${JSON.stringify(answering.alipayCertSn)}`]),
    ...(sign === null ? [] : [`"sign":"${sign}"`]),
  ];
  return {
    status: 200,
    headers: { 'Content-Type': 'text/html;charset=utf-8', 'Cache-Control': 'no-store', trace_id: traceId },
    body: `{${members.join(',')}}`,
  };
}

/** `alipay.trade.query` answers in `alipay_trade_query_response`. */
export function nodeName(method: string): string {
  return `${method.replaceAll('.', '_')}_response`;
}

export function serverErrorAnswer(): HttpAnswer {
  return {
    status: 500,
    headers: { 'Content-Type': 'text/html;charset=utf-8' },
    body: '<html><body><h1>500 Internal Server Error</h1></body></html>',
  };
}
