/** A refusal of WeChat Pay: the HTTP status and `{code, message, detail?}`. */
export class WechatpayRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: object | undefined;

  constructor(status: number, code: string, message: string, detail?: object) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  get body(): object {
    return { code: this.code, message: this.message, ...(this.detail && { detail: this.detail }) };
  }
}

/** `field` is a JSON pointer into the body, or the name of a query parameter, path parameter or header. */
export function paramError(
  field: string,
  issue: string,
  location: 'body' | 'query' | 'path' | 'header' = 'body',
): WechatpayRefusal {
  return new WechatpayRefusal(400, 'PARAM_ERROR', `参数错误: ${field} ${issue}`, { field, issue, location });
}

export function signError(issue: string): WechatpayRefusal {
  return new WechatpayRefusal(401, 'SIGN_ERROR', `签名错误: ${issue}`, {
    field: 'signature',
    location: 'authorization',
    issue,
  });
}

export function invalidRequest(message: string): WechatpayRefusal {
  return new WechatpayRefusal(400, 'INVALID_REQUEST', message);
}

export function orderNotExist(): WechatpayRefusal {
  return new WechatpayRefusal(404, 'ORDER_NOT_EXIST', '订单不存在');
}

export function orderPaid(): WechatpayRefusal {
  return new WechatpayRefusal(400, 'ORDERPAID', '该订单已支付');
}

export function orderClosed(): WechatpayRefusal {
  return new WechatpayRefusal(400, 'ORDER_CLOSED', '该订单已关闭');
}

export function systemError(): WechatpayRefusal {
  return new WechatpayRefusal(500, 'SYSTEM_ERROR', '系统异常，请稍后重试');
}
