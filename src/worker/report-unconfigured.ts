import type { CommandContext } from '../provider-calls/context.ts';
import { findUnconfigured } from '../store/unconfigured-store.ts';

/**
 * Logs at start-up each account that has work in progress but is not configured: it was retired while payments were in
 * progress, or it is the account of a sandbox that real providers have replaced. No background round processes its work
 * until it is configured again.
 */
export async function reportUnconfigured({ db, accounts, log }: CommandContext): Promise<void> {
  for (const account of await findUnconfigured(db.pool, accounts.all())) {
    log.error(account, 'this account is not configured: its payments, refunds and callbacks wait until it is');
  }
}
