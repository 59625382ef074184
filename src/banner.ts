import type { Config } from './config.ts';
import { webhookUrlOf } from './providers/webhook-url.ts';

type Started = {
  readonly url: string;
  /** The pages that are served. */
  readonly pages: readonly string[];
  readonly token: string | null;
  readonly hasMerchant: boolean;
  readonly sandboxUrl: string | null;
  readonly metricsUrl: string | null;
  readonly away: readonly string[];
  readonly storedAccounts: number;
  readonly database: { readonly kind: 'pglite' | 'postgresql' };
};

/**
 * The text that the start prints: the pages, with the token that signs in to the dashboard, the URL of the API, the database and its
 * durability, the providers or the sandbox, what lacks a key, and a token.
 */
export function bannerOf(config: Config, started: Started): string {
  const { url, pages, token, hasMerchant, sandboxUrl, database, metricsUrl } = started;
  const { dataDir, isProduction, masterKeys } = config;
  // The token is in the fragment, which a browser does not send.
  const signIn = token === null ? '' : `#token=${encodeURIComponent(token)}`;
  const lines = [
    ...(pages.includes('shop') ? [`Shop       ${url}/shop`] : []),
    pages.includes('dashboard')
      ? `Dashboard  ${url}/dashboard${signIn}`
      : 'Dashboard  not built: run npm run build, and start again',
    isProduction ? `GraphQL    ${url}/graphql` : `GraphiQL   ${url}/graphql`,
    database.kind === 'pglite'
      ? `Database   embedded (PGlite) in ${dataDir}: one process, survives kill -9, not a power cut; set DATABASE_URL for PostgreSQL`
      : 'Database   PostgreSQL from DATABASE_URL',
    sandboxUrl === null
      ? `Providers  ${providersOf(config, started).join('\n           ')}`
      : `Providers  the sandbox at ${sandboxUrl} stands in for them: no real money; cashier pages at ${sandboxUrl}/cashier`,
    ...(isProduction && masterKeys === null ? [`Checkout   ${withoutMasterKey}`] : []),
    token === null ? `Access     ${accessOf(hasMerchant)}` : `Token      Authorization: Bearer ${token}`,
    ...(metricsUrl === null ? [] : [`Metrics    ${metricsUrl}`]),
  ];
  return lines.join('\n');
}

/** Outside production the key is derived from the development token. */
const withoutMasterKey =
  'off: orders have no clientToken, and no provider account or webhook can be stored; set MASTER_KEY, such as to the output of: openssl rand -base64 32';

function accessOf(hasMerchant: boolean): string {
  if (hasMerchant) return "by API key; to create one: npm run paystream -- key add --name 'shop server'";
  return "nobody yet; create the merchant with: npm run paystream -- merchant add --name 'My shop' --return-origin https://shop.example";
}

/** One line for each provider of the environment, with the account, the host and the callback URL, and one for the stored accounts. */
function providersOf({ providers, publicUrl }: Config, { url, away, storedAccounts }: Started): readonly string[] {
  if (providers.length === 0 && storedAccounts === 0) {
    return ['none: payments are not possible; to store an account: npm run paystream -- provider add'];
  }
  const stored = `${storedAccounts} stored accounts of merchants; to list them: npm run paystream -- provider list`;
  return [
    ...providers.map(
      ({ name, description }) =>
        `${name} ${description}; callbacks at ${webhookUrlOf(publicUrl ?? url, name)}${away.includes(name) ? '; unavailable: no payments there until it answers' : ''}`,
    ),
    ...(storedAccounts === 0 ? [] : [stored]),
  ];
}
