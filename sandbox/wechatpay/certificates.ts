import { X509Certificate } from 'node:crypto';
import type { SandboxContext } from '../provider.ts';
import { encrypted } from './signing.ts';
import type { WechatpayOptions } from './state.ts';
import { beijingTime } from './time.ts';

/** The platform certificates, each encrypted under the APIv3 key. A public key has none and is not listed. */
export function certificateList({ newId }: Pick<SandboxContext, 'newId'>, options: WechatpayOptions): object {
  const data = options.platformKeys.flatMap(({ serial, certificate }) => {
    if (certificate === undefined) return [];
    const { validFrom, validTo } = new X509Certificate(certificate);
    return {
      serial_no: serial,
      effective_time: beijingTime(Date.parse(validFrom)),
      expire_time: beijingTime(Date.parse(validTo)),
      encrypt_certificate: encrypted(options.apiV3Key, newId('', 12), 'certificate', certificate),
    };
  });
  return { data };
}
