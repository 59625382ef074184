import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { MasterKey, MasterKeys } from '../accounts/master-key.ts';
import { idPrefixes, isId } from '../domain/ids.ts';

/** How long a client token is accepted after its order has expired: a buyer who paid in the last minute still sees the result. */
export const clientTokenGraceMs = 60 * 60_000;

const prefix = 'ct_';

/**
 * The client tokens of orders. A token is a code over the order's id, so that nothing is stored, and the same order always has the same
 * token: `ct_<suffix of the order id>_<43 characters of base64url>`.
 */
export type ClientTokens = {
  tokenOf(orderId: string): string;
  /** The order of a genuine token; null for any other text. Whether the order has expired is not checked. */
  orderIdOf(token: string): string | null;
};

/** The current master key makes the tokens. During a rotation, those of the old one are accepted too. */
export function createClientTokens({ current, old }: MasterKeys): ClientTokens {
  const keyOf = ({ key }: MasterKey) => Buffer.from(hkdfSync('sha256', key, '', 'paystream client tokens', 32));
  const active = keyOf(current);
  const keys = old === null ? [active] : [active, keyOf(old)];
  const codeOf = (key: Buffer, orderId: string) => createHmac('sha256', key).update(orderId).digest();
  return {
    tokenOf: (orderId) =>
      `${prefix}${orderId.slice(idPrefixes.order.length + 1)}_${codeOf(active, orderId).toString('base64url')}`,
    orderIdOf(token) {
      const [, suffix, code = ''] = /^ct_([0-9a-z]{26})_([\w-]{43})$/.exec(token) ?? [];
      const orderId = `${idPrefixes.order}_${suffix}`;
      if (!isId('order', orderId)) return null;
      const given = Buffer.from(code, 'base64url');
      return keys.some((key) => timingSafeEqual(given, codeOf(key, orderId))) ? orderId : null;
    },
  };
}

export function isClientToken(token: string): boolean {
  return token.startsWith(prefix);
}
