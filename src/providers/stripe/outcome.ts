import Stripe from 'stripe';
import type { z } from 'zod';
import {
  answeredInTime,
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  RejectedError,
} from '../provider.ts';
import { type BoundedClient, type CallOptions, UnboundRequestError, UnsentRequestError } from './http-client.ts';

const configurationRetryAfterMs = 30_000;
const unreachableRetryAfterMs = 5000;
const rateLimitRetryAfterMs = 2000;

/**
 * Runs a call until its signal is aborted, and determines for every failure whether the call may have been executed.
 * Each request of the call must have the options that the call gets.
 */
export type RunCall = <T>(signal: AbortSignal, call: (options: CallOptions) => Promise<T>) => Promise<T>;

export function createRunCall({ within }: BoundedClient): RunCall {
  return (signal, call) =>
    answeredInTime(signal, () =>
      within(signal, async (options, hasActed) => {
        try {
          return await call(options);
        } catch (error) {
          const outcome = outcomeOf(error);
          if (!(outcome instanceof NotExecutedError) || !hasActed()) throw outcome;
          // This request was not executed, but an earlier one of the same call may have been.
          throw new OutcomeUnknownError('Stripe received the request and did not return its result.', {
            cause: outcome,
          });
        }
      }),
    );
}

/**
 * Maps an error of the SDK. Any other error is returned unchanged; `answeredInTime` treats it as an unknown outcome.
 */
function outcomeOf(error: unknown): unknown {
  const { errors } = Stripe;
  if (error instanceof errors.StripeConnectionError && error.detail instanceof UnsentRequestError) {
    return outcomeOfUnsent(error.detail);
  }
  if (error instanceof errors.StripeConnectionError && error.detail instanceof UnboundRequestError) return error.detail;
  if (error instanceof errors.StripeRateLimitError) {
    return new NotExecutedError('Stripe limits our request rate.', rateLimitRetryAfterMs, { cause: error });
  }
  if (error instanceof errors.StripeAuthenticationError) {
    const message = 'Stripe does not accept our key: check STRIPE_SECRET_KEY.';
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause: error });
  }
  if (error instanceof errors.StripePermissionError) {
    const message = 'Our Stripe key lacks a permission: check in Stripe’s dashboard what STRIPE_SECRET_KEY may do.';
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause: error });
  }
  if (error instanceof errors.StripeAPIError && error.statusCode === 409 && error.code === 'lock_timeout') {
    return new NotExecutedError('Stripe is busy with the same object.', rateLimitRetryAfterMs, { cause: error });
  }
  // The key was used with other parameters: an object exists for it, so it must be queried.
  if (error instanceof errors.StripeIdempotencyError) {
    return new OutcomeUnknownError('Stripe has seen our idempotency key with other parameters.', { cause: error });
  }
  if (error instanceof errors.StripeInvalidRequestError || error instanceof errors.StripeCardError) {
    return new RejectedError(
      {
        reason: 'provider_error',
        message: 'The card provider refused the request.',
        providerCode: error.decline_code ?? error.code ?? error.type,
        attempt: null,
      },
      { cause: error },
    );
  }
  return error;
}

function outcomeOfUnsent(error: UnsentRequestError): NotExecutedError {
  const options = { cause: error };
  switch (error.obstacle) {
    case 'UNWRITABLE':
      return new MisconfiguredError(
        'The request to Stripe cannot be written: check STRIPE_SECRET_KEY for characters that are not part of the key.',
        configurationRetryAfterMs,
        options,
      );
    case 'UNTRUSTED':
      return new MisconfiguredError(
        'The connection to Stripe is not secure: check STRIPE_API_BASE, the clock, and the certificates that this machine trusts.',
        configurationRetryAfterMs,
        options,
      );
    case 'UNREACHABLE':
      return new NotExecutedError('Stripe cannot be reached.', unreachableRetryAfterMs, options);
  }
}

/**
 * Parses an object of Stripe.
 *
 * @throws {OutcomeUnknownError} for an unexpected object: the call may have been executed.
 */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw new OutcomeUnknownError('Stripe’s answer does not have the expected format.', { cause: parsed.error });
  return parsed.data;
}
