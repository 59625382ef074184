import type { KeyObject } from 'node:crypto';
import { parseBeijingTime } from '../beijing-time.ts';
import { dayMs } from '../durations.ts';
import { type HttpRequest, headerOf, isWebUrl } from '../http.ts';
import { type AlipayRefusal, gatewayRefusal } from './errors.ts';
import { signedText, unsignedInRequests, verifyRsa2 } from './signing.ts';

/** The serial numbers of certificate mode: requests carry the first two, responses the third. */
export type Certificates = { readonly appCertSn: string; readonly rootCertSn: string; readonly alipayCertSn: string };

/** The credentials that verify the merchant's requests. */
export type MerchantCredentials = {
  readonly appId: string;
  readonly appPublicKey: KeyObject;
  readonly certificates: Certificates | null;
};

export type Params = ReadonlyMap<string, string>;

/** A verified request. `biz` is the parsed but unchecked `biz_content`. */
export type GatewayCall = {
  readonly method: string;
  readonly biz: unknown;
  readonly notifyUrl: string | null;
  readonly returnUrl: string | null;
};

/** The allowed clock skew of a merchant: Alipay refuses only absurd timestamps. */
export const timestampToleranceMs = dayMs;

/** The parameters of query and body. @throws {AlipayRefusal} for a repeated parameter, or a body that is not a form. */
export function readParams(request: HttpRequest): Params {
  const type = headerOf(request, 'content-type') ?? '';
  if (request.body !== '' && !type.toLowerCase().startsWith('application/x-www-form-urlencoded')) {
    throw gatewayRefusal('40002', 'isv.invalid-parameter', '请求正文必须是 application/x-www-form-urlencoded');
  }
  const params = new Map<string, string>();
  for (const text of [request.query, request.body]) {
    for (const [name, value] of new URLSearchParams(text)) {
      if (params.has(name)) throw gatewayRefusal('40002', 'isv.invalid-parameter', `参数重复：${name.slice(0, 50)}`);
      params.set(name, value);
    }
  }
  return params;
}

/** Verifies a request, the signature last. @throws {AlipayRefusal} that names the first problem. */
export function checkCall(params: Params, credentials: MerchantCredentials, nowMs: number): GatewayCall {
  const method = required(params, 'method');
  if (params.get('app_id') !== credentials.appId)
    throw gatewayRefusal('40002', 'isv.invalid-app-id', '无效的AppID参数');
  if (required(params, 'sign_type', 'signature-type') !== 'RSA2') {
    throw gatewayRefusal('40002', 'isv.invalid-signature-type', '无效的签名类型');
  }
  checkConstants(params);
  checkTimestamp(required(params, 'timestamp'), nowMs);
  if (credentials.certificates !== null) checkCertificates(params, credentials.certificates);
  const sign = required(params, 'sign', 'signature');
  if (!verifyRsa2(signedText(params, unsignedInRequests), sign, credentials.appPublicKey))
    throw invalidSignature(params);
  return {
    method,
    biz: readBizContent(params.get('biz_content') ?? '{}'),
    notifyUrl: webUrl(params, 'notify_url'),
    returnUrl: webUrl(params, 'return_url'),
  };
}

/** `called` is the parameter's name in Alipay's error code, where it differs. */
function required(params: Params, name: string, called = name): string {
  const value = params.get(name) ?? '';
  if (value === '') throw gatewayRefusal('40001', `isv.missing-${called}`, `缺少${name}参数`);
  return value;
}

function checkConstants(params: Params): void {
  if (required(params, 'charset').toLowerCase() !== 'utf-8') {
    throw gatewayRefusal('40002', 'isv.invalid-charset', '字符集错误，只支持 utf-8');
  }
  if (required(params, 'version') !== '1.0') throw gatewayRefusal('40002', 'isv.invalid-version', '无效的接口版本');
  const format = params.get('format') ?? '';
  if (format !== '' && format.toUpperCase() !== 'JSON') {
    throw gatewayRefusal('40002', 'isv.invalid-format', '无效的数据格式');
  }
}

function checkTimestamp(text: string, nowMs: number): void {
  const sentMs = parseBeijingTime(text);
  if (sentMs === null || Math.abs(nowMs - sentMs) > timestampToleranceMs) {
    throw gatewayRefusal('40002', 'isv.invalid-timestamp', '非法的时间戳参数');
  }
}

function checkCertificates(params: Params, { appCertSn, rootCertSn }: Certificates): void {
  if (required(params, 'app_cert_sn', 'app-cert-sn') !== appCertSn) {
    throw gatewayRefusal('40002', 'isv.invalid-app-cert-sn', '应用证书序列号不匹配');
  }
  if (required(params, 'alipay_root_cert_sn', 'alipay-root-cert-sn') !== rootCertSn) {
    throw gatewayRefusal('40002', 'isv.invalid-alipay-root-cert-sn', '支付宝根证书序列号不匹配');
  }
}

/** The message contains the text that the signature must cover, HTML-escaped, as at the real gateway. */
function invalidSignature(params: Params): AlipayRefusal {
  const text = signedText(params, unsignedInRequests).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return gatewayRefusal(
    '40002',
    'isv.invalid-signature',
    `验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：${text}`,
  );
}

function readBizContent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw gatewayRefusal('40002', 'isv.invalid-parameter', 'biz_content 不是合法的 JSON');
  }
}

function webUrl(params: Params, name: string): string | null {
  const url = params.get(name) ?? '';
  if (url === '') return null;
  if (isWebUrl(url)) return url;
  throw gatewayRefusal('40002', 'isv.invalid-parameter', `${name} 必须是 http 或 https 地址`);
}
