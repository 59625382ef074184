import type { PaymentProvider } from '../providers/provider.ts';
import type { WriterContext } from '../store/order-writer.ts';

/** What every command, provider call and background round is handed. */
export type CommandContext = WriterContext & { readonly providers: readonly PaymentProvider[] };
