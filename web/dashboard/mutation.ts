import { PaystreamError } from '@paystream/client';
import { useCallback } from 'react';
import type { Operation } from '../shared/operation.ts';
import { useSession } from './session.ts';

export type Issue = { readonly path: string; readonly message: string };

/** The members of a mutation's union that are errors. Results do not select a `code`. */
type Refusal = { readonly code: string; readonly message: string; readonly issues?: readonly Issue[] };

/** How a mutation ended. */
export type Ending<Changed> =
  | { readonly kind: 'done'; readonly changed: Changed }
  /** The server refuses it and has changed nothing. The issues name the fields of the input, if they are the reason. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly issues: readonly Issue[] }
  /** The server did not answer: the mutation may have taken effect. */
  | { readonly kind: 'unknown' }
  /** The token is not valid any more. The session has ended, and the page of sign-in is shown. */
  | { readonly kind: 'signedOut' };

/** Returns a function that sends a mutation, whose field is called `outcome`, and tells how it ended. */
export function useMutation() {
  const { client, end } = useSession();
  return useCallback(
    async <Outcome extends object, Variables extends object>(
      mutation: Operation<{ readonly outcome: Outcome | null }, Variables>,
      variables: Variables,
      options?: { readonly signal: AbortSignal },
    ): Promise<Ending<Exclude<Outcome, Refusal>>> => {
      try {
        const { outcome } = await client.request(
          mutation as Operation<{ readonly outcome: Outcome | null }, object>,
          variables,
          options,
        );
        return outcome === null ? { kind: 'unknown' } : endingOf(outcome);
      } catch (error) {
        if (!(error instanceof PaystreamError)) throw error;
        const { code, message } = error;
        if (code === 'UNAUTHENTICATED') {
          end();
          return { kind: 'signedOut' };
        }
        const issues = [{ path: '', message }];
        if (code === 'FORBIDDEN') return { kind: 'refused', code, message, issues };
        if (code === 'BAD_USER_INPUT') return { kind: 'refused', code: 'INVALID_INPUT', message, issues };
        return { kind: 'unknown' };
      }
    },
    [client, end],
  );
}

function endingOf<Outcome extends object>(outcome: Outcome): Ending<Exclude<Outcome, Refusal>> {
  if (!isRefusal(outcome)) return { kind: 'done', changed: outcome as Exclude<Outcome, Refusal> };
  const { code, message, issues = [] } = outcome;
  return { kind: 'refused', code, message, issues };
}

function isRefusal(outcome: object): outcome is Refusal {
  return 'code' in outcome;
}
