import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Log } from '../../domain/log.ts';
import { withDeadline } from '../deadline.ts';
import { MisconfiguredError, ProviderAwayError, RejectedError } from '../provider.ts';
import { openStripe } from './client.ts';
import { isLiveKey, type StripeConfig } from './config.ts';
import { parseAnswer } from './outcome.ts';

/** How long a start waits for the account of the key, in milliseconds. */
const accountTimeoutMs = 8000;
const triesMax = 4;
const retryDelayMs = 1000;

const accountSchema = z.object({ object: z.literal('account'), id: z.string().regex(/^acct_\w{1,50}$/) });

/**
 * The account's name: its id at Stripe and the key's mode. A test key does not see objects of a live key, and vice
 * versa.
 */
export function accountNameOf(id: string, config: Pick<StripeConfig, 'secretKey'>): string {
  return `${id}.${isLiveKey(config.secretKey) ? 'live' : 'test'}`;
}

/** The account's id at Stripe, taken from the name. */
export function accountIdOf(account: string): string {
  return account.replace(/\.(live|test)$/, '');
}

/**
 * Asks Stripe which account the key belongs to. When `STRIPE_ACCOUNT` is set, the answer must match it; without an
 * answer `STRIPE_ACCOUNT` is used.
 *
 * @throws {ProviderAwayError} when Stripe does not answer and `STRIPE_ACCOUNT` is not set.
 * @throws {Error} with a sentence for the operator when the key has no permission, or belongs to another account.
 */
export async function findStripeAccount(config: StripeConfig, log: Log, pause = pauseFor): Promise<string> {
  const { accountId } = config;
  try {
    const id = await withDeadline(null, accountTimeoutMs, (signal) =>
      accountId === undefined ? askWithRetries(config, signal, pause) : ask(config, signal),
    );
    if (accountId !== undefined && id !== accountId) {
      throw new ForeignKeyError(
        `STRIPE_SECRET_KEY is a key of ${id}, and STRIPE_ACCOUNT is ${accountId}: correct one of them.`,
      );
    }
    return accountNameOf(id, config);
  } catch (error) {
    if (error instanceof ForeignKeyError) throw error;
    if (accountId !== undefined) {
      const message = 'Stripe did not say whose key STRIPE_SECRET_KEY is; STRIPE_ACCOUNT is believed';
      log.warn({ err: error, account: accountId }, message);
      return accountNameOf(accountId, config);
    }
    const why = error instanceof Error ? error.message : String(error);
    const message =
      `Stripe did not say which account STRIPE_SECRET_KEY belongs to: ${why} ` +
      'To start without asking, set STRIPE_ACCOUNT to the account’s id, acct_…, which the dashboard shows under Settings, Account details.';
    throw isPermanent(error) ? new Error(message, { cause: error }) : new ProviderAwayError(message, { cause: error });
  }
}

class ForeignKeyError extends Error {}

/** Ends early when the signal is aborted; the next request then fails. */
async function pauseFor(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => undefined);
}

async function askWithRetries(config: StripeConfig, signal: AbortSignal, pause: typeof pauseFor): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(config, signal);
    } catch (error) {
      if (isPermanent(error) || tries === triesMax || signal.aborted) throw error;
      await pause(retryDelayMs, signal);
    }
  }
}

/** True for an error of the key, which a retry does not fix. */
function isPermanent(error: unknown): boolean {
  return error instanceof MisconfiguredError || error instanceof RejectedError;
}

async function ask(config: StripeConfig, signal: AbortSignal): Promise<string> {
  const { stripe, runCall } = openStripe(config);
  return runCall(
    signal,
    async (options) => parseAnswer(accountSchema, await stripe.accounts.retrieveCurrent({}, options)).id,
  );
}
