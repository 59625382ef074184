import Stripe from 'stripe';
import type { z } from 'zod';
import {
  answeredInTime,
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  RejectedError,
} from '../provider.ts';
import { type BoundedClient, UnsentRequestError } from './http-client.ts';

const configurationRetryAfterMs = 30_000;
const unreachableRetryAfterMs = 5000;
const rateLimitRetryAfterMs = 2000;

/** Runs a call until the signal's deadline, and says of every failure whether it may have happened. */
export type RunCall = <T>(signal: AbortSignal, call: () => Promise<T>) => Promise<T>;

export function createRunCall({ within }: BoundedClient): RunCall {
  return (signal, call) =>
    answeredInTime(signal, () =>
      within(signal, async (hasActed) => {
        try {
          return await call();
        } catch (error) {
          const outcome = outcomeOf(error);
          if (!(outcome instanceof NotExecutedError) || !hasActed()) throw outcome;
          // This request did nothing, and one before it in the same call may have.
          throw new OutcomeUnknownError('Stripe was told, and did not say what came of it.', { cause: outcome });
        }
      }),
    );
}

/** What is none of these may have happened, as `answeredInTime` says. */
function outcomeOf(error: unknown): unknown {
  const { errors } = Stripe;
  if (error instanceof errors.StripeConnectionError && error.detail instanceof UnsentRequestError) {
    return outcomeOfUnsent(error.detail);
  }
  if (error instanceof errors.StripeRateLimitError) {
    return new NotExecutedError('Stripe is limiting our rate.', rateLimitRetryAfterMs, { cause: error });
  }
  if (error instanceof errors.StripeAuthenticationError) {
    const message = 'Stripe does not accept our key: check STRIPE_SECRET_KEY.';
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause: error });
  }
  if (error instanceof errors.StripePermissionError) {
    const message = 'Stripe does not allow this to our key: check in its dashboard what STRIPE_SECRET_KEY may do.';
    return new MisconfiguredError(message, configurationRetryAfterMs, { cause: error });
  }
  if (error instanceof errors.StripeAPIError && error.statusCode === 409 && error.code === 'lock_timeout') {
    return new NotExecutedError('Stripe is busy with the same object.', rateLimitRetryAfterMs, { cause: error });
  }
  // A key that was used with other parameters: something exists under it, so it is asked for, not denied.
  if (error instanceof errors.StripeIdempotencyError) {
    return new OutcomeUnknownError('Stripe knows our key with other parameters.', { cause: error });
  }
  if (error instanceof errors.StripeInvalidRequestError || error instanceof errors.StripeCardError) {
    return new RejectedError(
      {
        reason: 'provider_error',
        message: 'The card provider refused.',
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
        'The connection to Stripe is not secure: check STRIPE_API_BASE, the clock, and which certificates this machine trusts.',
        configurationRetryAfterMs,
        options,
      );
    case 'UNREACHABLE':
      return new NotExecutedError('Stripe cannot be reached.', unreachableRetryAfterMs, options);
  }
}

/** An object of Stripe's as we read it. What is none may follow something that happened. */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw new OutcomeUnknownError('Stripe answered with what is not its object.', { cause: parsed.error });
  return parsed.data;
}
