/** The authenticated caller of a command. */
export type Actor = {
  readonly merchantId: string;
  /** The allowed origins of return URLs; `*` allows every origin. */
  readonly returnOrigins: readonly string[];
};
