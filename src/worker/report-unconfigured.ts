import type { CommandContext } from '../provider-calls/context.ts';
import { findUnconfigured } from '../store/unconfigured-store.ts';

/**
 * Says once, at a start, what no round of this process takes up because the account that it belongs to is not configured: one that was
 * given up while payments of it were under way, or a sandbox that was left for the real thing. It waits until the account is back.
 */
export async function reportUnconfigured({ db, providers, log }: CommandContext): Promise<void> {
  for (const account of await findUnconfigured(db.pool, providers)) {
    log.error(account, 'this account is not configured: what is under way there is left alone until it is');
  }
}
