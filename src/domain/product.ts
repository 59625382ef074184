/** An item of a merchant's catalogue. The price is that of one item, in minor units of the currency. */
export type Product = {
  /** `prd_…` */
  readonly id: string;
  readonly merchantId: string;
  /** The merchant's product code, unique per merchant. */
  readonly sku: string;
  readonly name: string;
  readonly unitMinor: bigint;
  readonly currency: string;
  /** False: it cannot be ordered any more. */
  readonly active: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};
