import type { Document } from '@paystream/client';

/** The text of an operation, which knows the types of its result and its variables. */
export type Operation<Result, Variables> = Exclude<Document<Result, Variables>, string>;

/** Declares an operation. The types are those that `npm run codegen` makes of the text: `OrdersQuery`, `OrdersQueryVariables`. */
export function operation<Result, Variables>(text: string): Operation<Result, Variables> {
  return text as unknown as Operation<Result, Variables>; // the types exist only for the compiler
}
