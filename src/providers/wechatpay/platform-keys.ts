import { type KeyObject, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { after } from '../../domain/clock.ts';
import { withDeadline } from '../deadline.ts';
import { NotSentError, notExecuted } from '../http-request.ts';
import { readPublicKey } from '../pem.ts';
import { type KeyRenewal, MisconfiguredError, NotExecutedError, RejectedError } from '../provider.ts';
import { DecryptionError, decrypt } from './cipher.ts';
import { codeIn, errorOf } from './outcome.ts';
import { normalizedSerial, type PlatformKeys, signatureFaultOf } from './signature.ts';
import type { SendSigned } from './signed-request.ts';
import type { WechatpayReply } from './transport.ts';

/** WeChat Pay's keys: the configured ones, and the platform certificates that WeChat Pay lists. */
export type PlatformKeyStore = {
  /** The valid keys by serial number. Makes no request. */
  current(): PlatformKeys;
  /**
   * The serial number of the key with which WeChat Pay is asked to sign answers. Fetches the certificates when no key
   * is available, or when fetched certificates are twelve hours old.
   *
   * @throws {NotExecutedError} when there is no key, because no answer could be verified.
   */
  preferredSerial(): Promise<string>;
  /**
   * Fetches the certificates because a signature names an unknown serial number. Makes at most one request a minute,
   * however many serial numbers strangers invent.
   */
  renewFor(serial: string | undefined): Promise<KeyRenewal>;
};

const refreshAfterMs = 12 * 60 * 60_000;
/** The minimum time between two requests. WeChat Pay's own repetitions of a callback arrive within it. */
export const renewIntervalMsMin = 60_000;
/** WeChat Pay waits 5 seconds for the response to a callback. */
const listTimeoutMs = 3000;
const retryAfterMs = 5000;
const configurationRetryAfterMs = 30_000;

type Certificate = { readonly publicKey: KeyObject; readonly validFrom: Date; readonly validTo: Date };

const listSchema = z.object({
  data: z.array(
    z.object({
      serial_no: z.string().regex(/^[0-9A-Fa-f]{8,64}$/),
      encrypt_certificate: z.object({
        algorithm: z.string(),
        ciphertext: z.string(),
        nonce: z.string(),
        associated_data: z.string().nullish(),
      }),
    }),
  ),
});

export function createPlatformKeyStore(options: {
  readonly configured: PlatformKeys;
  readonly apiV3Key: KeyObject;
  readonly sendSigned: SendSigned;
  readonly now: () => Date;
}): PlatformKeyStore {
  const { configured, apiV3Key, sendSigned, now } = options;
  let listed: ReadonlyMap<string, Certificate> = new Map();
  let listedAt: Date | null = null;
  let triedAt: Date | null = null;
  let pendingRequest: Promise<void> | null = null;

  const valid = () => [...listed].filter(([, { validTo }]) => validTo > now());

  function current(): PlatformKeys {
    return new Map([...valid().map(([serial, { publicKey }]) => [serial, publicKey] as const), ...configured]);
  }

  /**
   * Shares one request among concurrent callers. Certificates are kept until they expire: during a change both the old
   * and the new one are in use.
   */
  function list(): Promise<void> {
    if (pendingRequest === null) {
      triedAt = now();
      pendingRequest = ask().finally(() => {
        pendingRequest = null;
      });
    }
    return pendingRequest;
  }

  async function ask(): Promise<void> {
    const request = { method: 'GET', target: '/v3/certificates', body: '', platformSerial: null } as const;
    const reply = await withDeadline(null, listTimeoutMs, (deadline) => sendSigned(request, deadline));
    if (reply.status !== 200) throw errorOf({ status: reply.status, code: codeIn(reply.body), requestId: null });
    listed = new Map([...valid(), ...certificatesIn(reply)]);
    listedAt = now();
  }

  /**
   * Decrypts and verifies the list. Only WeChat Pay can encrypt with the APIv3 key. The list is signed with a key in
   * the list or with an earlier key.
   */
  function certificatesIn({ headers, body }: WechatpayReply): ReadonlyMap<string, Certificate> {
    const certificates = new Map(
      listSchema.parse(JSON.parse(body)).data.map(({ serial_no: serial, encrypt_certificate: encrypted }) => {
        const certificate = certificateIn(decrypt(encrypted, apiV3Key).toString('utf8'), serial);
        return [normalizedSerial(serial), certificate] as const;
      }),
    );
    const keys = new Map([
      ...[...certificates].map(([serial, { publicKey }]) => [serial, publicKey] as const),
      ...current(),
    ]);
    const fault = signatureFaultOf(headers, Buffer.from(body, 'utf8'), keys, now());
    if (fault !== null) throw new Error(`WeChat Pay’s list of certificates failed verification: ${fault}.`);
    return new Map([...certificates].filter(([, { validTo }]) => validTo > now()));
  }

  const mayTry = () => triedAt === null || after(triedAt, renewIntervalMsMin) <= now() || pendingRequest !== null;

  return {
    current,

    async preferredSerial() {
      const isListUsed = configured.size === 0 || listedAt !== null;
      const isDue = listedAt === null || after(listedAt, refreshAfterMs) <= now();
      if (isListUsed && (current().size === 0 || (isDue && mayTry()))) {
        try {
          await list();
        } catch (error) {
          if (current().size === 0) throw noKeys(error);
          // The current certificates are still valid. The next attempt is in a minute.
        }
      }
      const preferred = preferredSerialOf(configured, valid());
      if (preferred === null) throw noKeys(new Error('WeChat Pay lists no valid certificate.'));
      return preferred;
    },

    async renewFor(given) {
      const serial = normalizedSerial(given ?? '');
      // Public keys with an id are not listed.
      const isAsked = /^[0-9A-F]{8,64}$/.test(serial) && mayTry();
      const isFirst = pendingRequest === null;
      const isAnswered = isAsked ? await hasSucceeded(list()) : null; // the caller refuses an unverified signature
      const outcome = isAnswered === null || !isFirst ? 'not_asked' : isAnswered ? 'answered' : 'unknown';
      return { isHeld: current().has(serial), outcome };
    },
  };
}

function hasSucceeded(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/**
 * The preferred key: the public key is newer than any certificate; among certificates, the one that became valid last.
 */
function preferredSerialOf(
  configured: PlatformKeys,
  listed: readonly (readonly [string, Certificate])[],
): string | null {
  const names = [...configured.keys()];
  const publicKeyId = names.find((name) => name.startsWith('PUB_KEY_ID_'));
  const [newest] = [...listed].sort(([, one], [, other]) => other.validFrom.getTime() - one.validFrom.getTime());
  return publicKeyId ?? newest?.[0] ?? names[0] ?? null;
}

/** @throws {Error} for an invalid certificate, or one with another serial number. */
function certificateIn(pem: string, serial: string): Certificate {
  const { serialNumber, validFrom, validTo } = new X509Certificate(pem);
  if (normalizedSerial(serialNumber) !== normalizedSerial(serial)) {
    throw new Error(`WeChat Pay lists the certificate ${serial}, whose own serial number is ${serialNumber}.`);
  }
  return { publicKey: readPublicKey(pem), validFrom: new Date(validFrom), validTo: new Date(validTo) };
}

/** The error of a call without a key. The call itself was not sent. */
function noKeys(cause: unknown): NotExecutedError {
  if (cause instanceof NotSentError) return notExecuted(cause, 'WeChat Pay', 'check WECHATPAY_BASE_URL');
  if (cause instanceof NotExecutedError) return cause;
  if (cause instanceof DecryptionError) {
    const message = 'WeChat Pay’s platform certificates cannot be decrypted with WECHATPAY_API_V3_KEY: check that key.';
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause });
  }
  if (cause instanceof RejectedError) {
    const message =
      'WeChat Pay lists no platform certificate of this merchant: set WECHATPAY_PLATFORM_KEYS to the WeChat Pay public key and its PUB_KEY_ID_… from the merchant platform.';
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause });
  }
  return new NotExecutedError('WeChat Pay’s platform certificates could not be fetched.', retryAfterMs, { cause });
}
