/** Shapes that secrets have, and what is written in their place. Texts of others, as errors of SDKs and drivers, may quote them. */
const shapes: readonly (readonly [shape: RegExp, written: string])[] = [
  [/-----BEGIN[\s\S]*?(?:-----END[^-]*-----|$)/g, '[key]'],
  [/\b((?:sk|rk)_(?:live|test)|whsec)_[\w*]+/g, '$1_[secret]'],
  [/_secret_\w+/g, '_secret_[secret]'],
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, '$1 [secret]'],
  // The password of an address, whatever speaks there; it may hold an @ or a slash of its own.
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s"'<>]*@/gi, '$1[secret]@'],
  // What follows the path of an address names buyers and carries signatures.
  [/\b(https?:\/\/[^\s?#"'<>]+)[?#][^\s"'<>]*/gi, '$1?[…]'],
  [/\bv1=[\da-f]{64}\b/g, 'v1=[signature]'],
  // Signatures and bare keys: longer than any id.
  [/[A-Za-z\d+/]{86,}={0,2}/g, '[base64]'],
];

/** The text without what looks like a secret. The second line: nothing secret is to be logged in the first place. */
export function withoutSecrets(text: string): string {
  return shapes.reduce((left, [shape, written]) => left.replace(shape, written), text);
}

/** Names of fields whose values are never written, on a line itself and one level below. */
export const secretFields: readonly string[] = [
  ...['authorization', 'headers', 'body', 'rawBody', 'raw', 'token', 'secret', 'password', 'signature', 'sign'],
  ...['clientSecret', 'client_secret', 'secretKey', 'privateKey', 'apiV3Key', 'webhookSecrets'],
  ...['openId', 'openid', 'buyerIp', 'payer_client_ip', 'returnUrl', 'nextAction'],
];
