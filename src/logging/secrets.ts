/** Patterns of secrets and their replacements. Messages of SDKs and drivers may quote secrets. */
const shapes: readonly (readonly [shape: RegExp, written: string])[] = [
  [/-----BEGIN[\s\S]*?(?:-----END[^-]*-----|$)/g, '[key]'],
  [/\b((?:sk|rk)_(?:live|test)|whsec)_[\w*-]+/g, '$1_[secret]'],
  [/_secret_\w+/g, '_secret_[secret]'],
  [/\b(ct|dev)_[\w-]{16,}/g, '$1_[secret]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '[token]'],
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, '$1 [secret]'],
  // The user and password of a URL. The password may contain an @ or a slash.
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s"'<>]*@/gi, '$1[secret]@'],
  // The query and fragment of a URL identify buyers and contain signatures.
  [/\b(https?:\/\/[^\s?#"'<>]+)[?#][^\s"'<>]*/gi, '$1?[…]'],
  [/\bv1=[\da-f]{64}\b/g, 'v1=[signature]'],
  // Signatures and bare keys, which are longer than any id.
  [/[A-Za-z\d+/]{86,}={0,2}/g, '[base64]'],
];

/**
 * Redacts everything that looks like a secret. This is a second protection: secrets must not be logged in the first
 * place.
 */
export function withoutSecrets(text: string): string {
  return shapes.reduce((left, [shape, written]) => left.replace(shape, written), text);
}

/** Names of fields that are never logged, at the top level and one level below. */
export const secretFields: readonly string[] = [
  ...['authorization', 'headers', 'body', 'rawBody', 'raw', 'token', 'secret', 'password', 'signature', 'sign'],
  ...['clientSecret', 'client_secret', 'secretKey', 'privateKey', 'apiV3Key', 'webhookSecrets'],
  ...['openId', 'openid', 'buyerIp', 'payer_client_ip', 'returnUrl', 'nextAction'],
];
