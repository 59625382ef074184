import type { NewApiKey } from '../commands/create-api-key.ts';
import type { NewMerchant } from '../commands/create-merchant.ts';
import type { ApiKey } from '../domain/api-key.ts';

type Named = {
  readonly id: string;
  readonly name: string;
  readonly returnOrigins: readonly string[];
  readonly webOrigins: readonly string[];
  readonly brandColor: string | null;
  readonly createdAt: Date;
};

/** @param hasEnvironmentAccounts whether the environment configures a provider account, or the sandbox stands in for all. */
export function textOfNewMerchant(
  { merchant, usesEnvironmentAccounts }: NewMerchant,
  hasEnvironmentAccounts: boolean,
): string {
  const { id, name } = merchant;
  const ofEnvironment = usesEnvironmentAccounts
    ? 'The provider accounts of the environment belong to this merchant.'
    : 'The provider accounts of the environment belong to the first merchant, so this merchant needs one of its own: see provider add.';
  const accounts = hasEnvironmentAccounts
    ? ofEnvironment
    : `No provider account is configured. Store one: npm run paystream -- provider add PROVIDER --merchant ${id} --file FILE`;
  return `Created merchant ${id}, "${name}". ${textOfOrigins(merchant)}
${accounts}

Next, create a key for its server: npm run paystream -- key add --merchant ${id} --name 'shop server'`;
}

export function textOfMerchant(merchant: Named): string {
  return `Merchant ${merchant.id} is "${merchant.name}". ${textOfOrigins(merchant)}${textOfColor(merchant)}`;
}

function textOfColor({ brandColor }: Named): string {
  return brandColor === null ? '' : ` Its checkout page is ${brandColor}.`;
}

function textOfOrigins({ returnOrigins, webOrigins }: Named): string {
  const pages = webOrigins.length === 0 ? '' : ` Pages of ${webOrigins.join(', ')} may call the API.`;
  return `Buyers may return to ${returnOrigins.join(', ')}.${pages}`;
}

export function textOfNewKey({ key, token }: NewApiKey): string {
  return `Created API key ${key.id}, "${key.name}", of merchant ${key.merchantId}. Copy the key now; it is not shown again:

${token}

Your server sends it in the header "Authorization: Bearer <key>". Never put it into a browser or an app.
To revoke it: npm run paystream -- key revoke ${key.id}`;
}

export function textOfRevokedKey({ id, name, hint, revokedAt }: ApiKey): string {
  return `API key ${id}, "${name}" (${hint}), was revoked at ${revokedAt?.toISOString()}.
Requests with it are refused now, and its subscriptions end within a second on every node.`;
}

export function tableOfMerchants(merchants: readonly Named[]): string {
  if (merchants.length === 0) {
    return "There is no merchant. Create one: npm run paystream -- merchant add --name 'My shop' --return-origin https://shop.example";
  }
  return table(
    ['id', 'name', 'created', 'return origins', 'web origins'],
    merchants.map(({ id, name, createdAt, returnOrigins, webOrigins }) => [
      ...[id, name, dayOf(createdAt), returnOrigins.join(' '), webOrigins.join(' ')],
    ]),
  );
}

export function tableOfKeys(keys: readonly ApiKey[]): string {
  if (keys.length === 0) return "There is no API key. Create one: npm run paystream -- key add --name 'shop server'";
  return table(
    ['id', 'name', 'key', 'created', 'last used', 'revoked'],
    keys.map(({ id, name, hint, createdAt, lastUsedAt, revokedAt }) => [
      ...[id, name, hint, dayOf(createdAt)],
      lastUsedAt === null ? 'never' : minuteOf(lastUsedAt),
      revokedAt === null ? '' : minuteOf(revokedAt),
    ]),
  );
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const dayOf = (at: Date) => at.toISOString().slice(0, 10);
export const minuteOf = (at: Date) => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
