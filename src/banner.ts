import { type Config, webhookUrlOf } from './config.ts';

type Started = {
  readonly url: string;
  readonly token: string | null;
  readonly sandboxUrl: string | null;
  readonly away: readonly string[];
  readonly database: { readonly kind: 'pglite' | 'postgresql' };
};

/** What a start prints: where to look, what the data lives in and what that means, who the providers are or stands in for them, a token. */
export function bannerOf(config: Config, { url, token, sandboxUrl, away, database }: Started): string {
  const { dataDir, isProduction } = config;
  const lines = [
    isProduction ? `GraphQL    ${url}/graphql` : `GraphiQL   ${url}/graphql`,
    database.kind === 'pglite'
      ? `Database   embedded (PGlite) in ${dataDir}: one process, survives kill -9, not a power cut; set DATABASE_URL for PostgreSQL`
      : 'Database   PostgreSQL, by DATABASE_URL',
    sandboxUrl === null
      ? `Providers  ${providersOf(config, url, away).join('\n           ')}`
      : `Providers  the sandbox at ${sandboxUrl} stands in for them: no real money; cashier pages at ${sandboxUrl}/cashier`,
    token === null
      ? 'Token      none: there is no access control for production yet, so every operation answers UNAUTHENTICATED'
      : `Token      Authorization: Bearer ${token}`,
  ];
  return lines.join('\n');
}

/** A line for each: whose account, where it is reached, and where its callbacks come. */
function providersOf({ providers, publicUrl }: Config, url: string, away: readonly string[]): readonly string[] {
  if (providers.length === 0) return ['none: nothing can be paid'];
  return providers.map(
    ({ name, description }) =>
      `${name} ${description}; callbacks at ${webhookUrlOf(publicUrl ?? url, name)}${away.includes(name) ? '; away: nothing is done there until it answers' : ''}`,
  );
}
