import type { ProviderAccounts } from '../accounts/provider-accounts.ts';
import type { WriterContext } from '../store/change-order.ts';
import type { Lookups } from '../store/lookups.ts';

/** The dependencies of every command, provider call and background round. */
export type CommandContext = WriterContext & { readonly accounts: ProviderAccounts; readonly lookups: Lookups };
