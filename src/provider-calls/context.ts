import type { ProviderAccounts } from '../accounts/provider-accounts.ts';
import type { WriterContext } from '../store/change-order.ts';

/** The dependencies of every command, provider call and background round. */
export type CommandContext = WriterContext & { readonly accounts: ProviderAccounts };
