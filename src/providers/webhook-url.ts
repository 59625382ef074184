import type { ProviderName } from '../domain/payment.ts';

/** The path for a provider's callbacks. `id` is the id of a stored account; null for the account of the environment. */
export function webhookPathOf(name: ProviderName, id: string | null): string {
  return `/webhooks/${name.toLowerCase()}${id === null ? '' : `/${id}`}`;
}

/** The URL for the callbacks of an account of the environment, or of the stored account with this id. */
export function webhookUrlOf(publicUrl: string, name: ProviderName, id: string | null = null): string {
  return `${publicUrl}${webhookPathOf(name, id)}`;
}
