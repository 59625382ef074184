import { X509Certificate } from 'node:crypto';
import { beijingRfc3339 } from '../beijing-time.ts';
import type { SandboxContext } from '../context.ts';
import { encrypt } from './signing.ts';
import type { WechatpayOptions } from './state.ts';

/** The platform certificates, each encrypted with the APIv3 key. A platform key without a certificate is not listed. */
export function certificateList({ newId }: Pick<SandboxContext, 'newId'>, options: WechatpayOptions): object {
  const data = options.platformKeys.flatMap(({ serial, certificate }) => {
    if (certificate === undefined) return [];
    const { validFrom, validTo } = new X509Certificate(certificate);
    return {
      serial_no: serial,
      effective_time: beijingRfc3339(Date.parse(validFrom)),
      expire_time: beijingRfc3339(Date.parse(validTo)),
      encrypt_certificate: encrypt(options.apiV3Key, newId('', 12), 'certificate', certificate),
    };
  });
  return { data };
}
