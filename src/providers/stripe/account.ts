import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Log } from '../../domain/log.ts';
import { withDeadline } from '../deadline.ts';
import { MisconfiguredError, ProviderAwayError, RejectedError } from '../provider.ts';
import { openStripe } from './client.ts';
import { isLiveKey, type StripeConfig } from './config.ts';
import { parseAnswer } from './outcome.ts';

/** How long a start waits for Stripe to say whose key it has. */
const askedForMsMax = 8000;
const triesMax = 4;
const retryDelayMs = 1000;

const accountSchema = z.object({ object: z.literal('account'), id: z.string().regex(/^acct_\w{1,50}$/) });

/** The account's id at Stripe and the key's mode: a test key sees nothing of what a live key has made, nor the other way round. */
export function nameOfAccount(id: string, config: Pick<StripeConfig, 'secretKey'>): string {
  return `${id}.${isLiveKey(config.secretKey) ? 'live' : 'test'}`;
}

/** The account's id at Stripe in the name that we give it. */
export function idInName(account: string): string {
  return account.replace(/\.(live|test)$/, '');
}

/**
 * Asks Stripe whose key it is. Where `STRIPE_ACCOUNT` says so, Stripe's answer must agree; no answer is none that disagrees.
 * @throws {ProviderAwayError} when Stripe does not answer, and nothing else says whose key it is.
 * @throws {Error} with a sentence for the operator when the key may not ask, or is another account's.
 */
export async function findStripeAccount(config: StripeConfig, log: Log, pause = pauseFor): Promise<string> {
  const { accountId } = config;
  try {
    const id = await withDeadline(new AbortController().signal, askedForMsMax, (signal) =>
      accountId === undefined ? askPatiently(config, signal, pause) : ask(config, signal),
    );
    if (accountId !== undefined && id !== accountId) {
      throw new ForeignKeyError(
        `STRIPE_SECRET_KEY is a key of ${id}, and STRIPE_ACCOUNT is ${accountId}: correct one of them.`,
      );
    }
    return nameOfAccount(id, config);
  } catch (error) {
    if (error instanceof ForeignKeyError) throw error;
    if (accountId !== undefined) {
      const message = 'Stripe did not say whose key STRIPE_SECRET_KEY is; STRIPE_ACCOUNT is believed';
      log.warn({ err: error, account: accountId }, message);
      return nameOfAccount(accountId, config);
    }
    const why = error instanceof Error ? error.message : String(error);
    const message =
      `Stripe did not say which account STRIPE_SECRET_KEY belongs to: ${why} ` +
      'To start without asking, set STRIPE_ACCOUNT to the account’s id, acct_…, which the dashboard shows under Settings, Account details.';
    throw isLasting(error) ? new Error(message, { cause: error }) : new ProviderAwayError(message, { cause: error });
  }
}

class ForeignKeyError extends Error {}

/** Ends with the signal as well: whoever asks then is told so. */
async function pauseFor(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => undefined);
}

async function askPatiently(config: StripeConfig, signal: AbortSignal, pause: typeof pauseFor): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(config, signal);
    } catch (error) {
      if (isLasting(error) || tries === triesMax || signal.aborted) throw error;
      await pause(retryDelayMs, signal);
    }
  }
}

/** What is wrong with the key is as wrong a second later. */
function isLasting(error: unknown): boolean {
  return error instanceof MisconfiguredError || error instanceof RejectedError;
}

async function ask(config: StripeConfig, signal: AbortSignal): Promise<string> {
  const { stripe, answered } = openStripe(config);
  return answered(signal, async () => parseAnswer(accountSchema, await stripe.accounts.retrieveCurrent()).id);
}
