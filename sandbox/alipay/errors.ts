/** The body of a refusal, with the keys of the wire format. */
export type Problem = {
  readonly code: string;
  readonly msg: string;
  readonly sub_code: string;
  readonly sub_msg: string;
};

/**
 * A refusal of Alipay. Refusals of the gateway are in the node `error_response`, refusals of a method in the node of that method.
 */
export class AlipayRefusal extends Error {
  readonly by: 'gateway' | 'business';
  readonly problem: Problem;

  constructor(by: 'gateway' | 'business', problem: Problem) {
    super(`${problem.sub_code}: ${problem.sub_msg}`);
    this.by = by;
    this.problem = problem;
  }
}

const messages = {
  '20000': 'Service Currently Unavailable',
  '40001': 'Missing Required Arguments',
  '40002': 'Invalid Arguments',
  '40005': 'Call Limited',
} as const;

export function gatewayRefusal(code: keyof typeof messages, subCode: string, subMsg: string): AlipayRefusal {
  return new AlipayRefusal('gateway', { code, msg: messages[code], sub_code: subCode, sub_msg: subMsg });
}

export function businessRefusal(subCode: string, subMsg: string): AlipayRefusal {
  return new AlipayRefusal('business', { code: '40004', msg: 'Business Failed', sub_code: subCode, sub_msg: subMsg });
}

export function tradeNotExist(): AlipayRefusal {
  return businessRefusal('ACQ.TRADE_NOT_EXIST', '交易不存在');
}

export function tradeStatusError(): AlipayRefusal {
  return businessRefusal('ACQ.TRADE_STATUS_ERROR', '交易状态不合法');
}

export function invalidParameter(parameter: string, why: string): AlipayRefusal {
  return businessRefusal('ACQ.INVALID_PARAMETER', `参数无效：${parameter} ${why}`);
}
