/** What the JWTs of a merchant's operators, viewers and customers are signed with: an HS256 secret, or the keys at a JWKS URL. */
export type SigningKey = {
  /** `jwk_…` */
  readonly id: string;
  readonly merchantId: string;
  /** Null for an HS256 secret. */
  readonly jwksUrl: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
};

/** The roles that a JWT may claim. API keys stand for the merchant's servers. */
export const tokenRoles = ['OPERATOR', 'VIEWER', 'CUSTOMER'] as const;
export type TokenRole = (typeof tokenRoles)[number];
