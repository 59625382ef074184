import type { KeyObject } from 'node:crypto';
import { type HttpRequest, headerOf } from '../http.ts';
import { type AlipayRefusal, gatewayRefusal } from './errors.ts';
import { readBeijingTime } from './formats.ts';
import { signedText, unsignedInRequests, verifyRsa2 } from './signing.ts';

/** The serial numbers of the certificate mode: those that requests carry, and the one that answers do. */
export type Certificates = { readonly appCertSn: string; readonly rootCertSn: string; readonly alipayCertSn: string };

/** By what a request is judged. */
export type Gate = {
  readonly appId: string;
  readonly appPublicKey: KeyObject;
  readonly certificates: Certificates | null;
};

export type Params = ReadonlyMap<string, string>;

/** A request that is signed as it should be. `biz` is what `biz_content` says, not looked into yet. */
export type GatewayCall = {
  readonly method: string;
  readonly biz: unknown;
  readonly notifyUrl: string | null;
  readonly returnUrl: string | null;
};

/** A merchant's clock may be this far from Alipay's: Alipay refuses only what is absurd. */
export const timestampToleranceMs = 24 * 3_600_000;

/** Query and body together. @throws {AlipayRefusal} when a parameter is there twice, or the body is no form. */
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

/** @throws {AlipayRefusal} naming the first thing that is wrong, the signature last. */
export function checkCall(params: Params, gate: Gate, nowMs: number): GatewayCall {
  const method = needed(params, 'method');
  if (params.get('app_id') !== gate.appId) throw gatewayRefusal('40002', 'isv.invalid-app-id', '无效的AppID参数');
  if (needed(params, 'sign_type', 'signature-type') !== 'RSA2') {
    throw gatewayRefusal('40002', 'isv.invalid-signature-type', '无效的签名类型');
  }
  checkConstants(params);
  checkTimestamp(needed(params, 'timestamp'), nowMs);
  if (gate.certificates !== null) checkCertificates(params, gate.certificates);
  const sign = needed(params, 'sign', 'signature');
  if (!verifyRsa2(signedText(params, unsignedInRequests), sign, gate.appPublicKey)) throw invalidSignature(params);
  return {
    method,
    biz: readBizContent(params.get('biz_content') ?? '{}'),
    notifyUrl: webUrl(params, 'notify_url'),
    returnUrl: webUrl(params, 'return_url'),
  };
}

/** `called` is how Alipay's code names it, where that differs. */
function needed(params: Params, name: string, called = name): string {
  const value = params.get(name) ?? '';
  if (value === '') throw gatewayRefusal('40001', `isv.missing-${called}`, `缺少${name}参数`);
  return value;
}

function checkConstants(params: Params): void {
  if (needed(params, 'charset').toLowerCase() !== 'utf-8') {
    throw gatewayRefusal('40002', 'isv.invalid-charset', '字符集错误，只支持 utf-8');
  }
  if (needed(params, 'version') !== '1.0') throw gatewayRefusal('40002', 'isv.invalid-version', '无效的接口版本');
  const format = params.get('format') ?? '';
  if (format !== '' && format.toUpperCase() !== 'JSON') {
    throw gatewayRefusal('40002', 'isv.invalid-format', '无效的数据格式');
  }
}

function checkTimestamp(text: string, nowMs: number): void {
  const sentMs = readBeijingTime(text);
  if (sentMs === null || Math.abs(nowMs - sentMs) > timestampToleranceMs) {
    throw gatewayRefusal('40002', 'isv.invalid-timestamp', '非法的时间戳参数');
  }
}

function checkCertificates(params: Params, { appCertSn, rootCertSn }: Certificates): void {
  if (needed(params, 'app_cert_sn', 'app-cert-sn') !== appCertSn) {
    throw gatewayRefusal('40002', 'isv.invalid-app-cert-sn', '应用证书序列号不匹配');
  }
  if (needed(params, 'alipay_root_cert_sn', 'alipay-root-cert-sn') !== rootCertSn) {
    throw gatewayRefusal('40002', 'isv.invalid-alipay-root-cert-sn', '支付宝根证书序列号不匹配');
  }
}

/** Tells the text that the signature should have been over, as the gateway does: HTML-escaped. */
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
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw gatewayRefusal('40002', 'isv.invalid-parameter', `${name} 必须是 http 或 https 地址`);
}
