import Stripe from 'stripe';
import type { z } from 'zod';
import {
  answeredInTime,
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  RejectedError,
} from '../provider.ts';

const configurationRetryAfterMs = 30_000;
const rateLimitRetryAfterMs = 2000;

/** Runs a call until the signal's deadline, and says of every failure whether it may have happened. */
export function answered<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  return answeredInTime(signal, async () => {
    try {
      return await call();
    } catch (error) {
      throw outcomeOf(error);
    }
  });
}

/** What is none of these may have happened, as `answeredInTime` says. */
function outcomeOf(error: unknown): unknown {
  const { errors } = Stripe;
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

/** An object of Stripe's as we read it. What is none may follow something that happened. */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw new OutcomeUnknownError('Stripe answered with what is not its object.', { cause: parsed.error });
  return parsed.data;
}
