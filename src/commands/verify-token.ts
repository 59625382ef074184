import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { MasterKeys } from '../accounts/master-key.ts';
import type { Clock } from '../domain/clock.ts';
import { isId } from '../domain/ids.ts';
import type { Log } from '../domain/log.ts';
import type { TokenRole } from '../domain/signing-key.ts';
import type { ActiveSigningKey } from '../store/signing-key-store.ts';
import { secretOf } from './signing-key-secret.ts';
import { tokenClaims } from './token-claims.ts';

/** The person that a genuine token stands for. */
export type VerifiedToken = {
  readonly merchantId: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
  readonly role: TokenRole;
  readonly subject: string;
  readonly expiresAt: Date;
  readonly signingKeyId: string;
};

/** Verifies a JWT; null when it is not valid now. */
export type VerifyToken = (token: string) => Promise<VerifiedToken | null>;

/** The algorithms of keys at a JWKS URL. HS256 is not among them: a public key must never be taken for a secret. */
const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
];
const jwksTimeoutMs = 3000;
/** A token with an unknown key causes at most one fetch in this time. */
const jwksCooldownMs = 10_000;
const tokenCharactersMax = 8192;

export function isJwt(token: string): boolean {
  return token.length <= tokenCharactersMax && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

/**
 * Verifies the JWTs of merchants' operators, viewers and customers: the signature, the audience, which is the merchant's id, and the expiry.
 * `findKeys` returns the active signing keys of a merchant.
 */
export function createTokenVerifier({
  findKeys,
  masterKeys,
  clock,
  log,
}: {
  readonly findKeys: (merchantId: string) => Promise<readonly ActiveSigningKey[]>;
  readonly masterKeys: MasterKeys | null;
  readonly clock: Clock;
  readonly log: Log;
}): VerifyToken {
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();

  function keySetOf(url: string) {
    const options = { timeoutDuration: jwksTimeoutMs, cooldownDuration: jwksCooldownMs };
    const keySet = keySets.get(url) ?? createRemoteJWKSet(new URL(url), options);
    keySets.set(url, keySet);
    return keySet;
  }

  async function verifyBy(token: string, key: ActiveSigningKey): Promise<JWTPayload | null> {
    const options = { audience: key.merchantId, currentDate: clock.now(), requiredClaims: ['sub', 'exp', 'role'] };
    try {
      if (key.jwksUrl !== null) {
        const verified = await jwtVerify(token, keySetOf(key.jwksUrl), { ...options, algorithms: publicKeyAlgorithms });
        return verified.payload;
      }
      const secret = masterKeys === null ? null : secretOf(key, masterKeys);
      if (secret === null) return null;
      return (await jwtVerify(token, Buffer.from(secret.reveal()), { ...options, algorithms: ['HS256'] })).payload;
    } catch (error) {
      const isTokensFault =
        error instanceof errors.JOSEError &&
        !(error instanceof errors.JWKSTimeout) &&
        !(error instanceof errors.JWKSInvalid) &&
        error.code !== 'ERR_JOSE_GENERIC';
      if (!isTokensFault) log.warn({ err: error, signingKeyId: key.id }, 'a signing key cannot be used');
      return null;
    }
  }

  return async (token) => {
    const named = readNames(token);
    if (named === null) return null;
    for (const merchantId of named.merchantIds) {
      const keys = await findKeys(merchantId);
      const own = keys.filter(({ id }) => id === named.keyId);
      for (const key of own.length > 0 ? own : keys) {
        const payload = await verifyBy(token, key);
        if (payload === null) continue;
        const claims = tokenClaims.safeParse(payload);
        if (!claims.success) return null;
        const { sub: subject, role, exp } = claims.data;
        const { returnOrigins, webOrigins, id: signingKeyId } = key;
        return { merchantId, returnOrigins, webOrigins, role, subject, expiresAt: new Date(exp * 1000), signingKeyId };
      }
    }
    return null;
  };
}

/** The merchants and the key that a token names. Nothing is verified yet. */
function readNames(token: string): { readonly merchantIds: readonly string[]; readonly keyId: string | null } | null {
  try {
    const { aud } = decodeJwt(token);
    const { kid } = decodeProtectedHeader(token);
    const merchantIds = [aud ?? []].flat().filter((name) => isId('merchant', name));
    return { merchantIds: merchantIds.slice(0, 1), keyId: typeof kid === 'string' ? kid : null };
  } catch {
    return null; // it only looks like a JWT
  }
}
