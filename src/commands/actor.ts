/** The caller of a command, as the entrance has authenticated it. */
export type Actor = {
  readonly merchantId: string;
  /** Origins that a return URL may have; `*` allows all. */
  readonly returnOrigins: readonly string[];
};
