/** An API key of a merchant. `hint` is the token's prefix and its last four characters: `sk_live_…x4Zq`. */
export type ApiKey = {
  readonly id: string;
  readonly merchantId: string;
  readonly name: string;
  readonly hint: string;
  readonly createdAt: Date;
  /** The last use, to the minute; null when it was never used. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
};

/** The merchant that a key stands for. */
export type KeyHolder = {
  readonly keyId: string;
  readonly merchantId: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
};
