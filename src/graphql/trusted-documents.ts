import { hash } from 'node:crypto';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GraphqlContext } from './context.ts';

/** The documents that browsers may send, by the SHA-256 of their text in hexadecimal digits. */
export type TrustedDocuments = ReadonlyMap<string, string>;

export function documentHashOf(text: string): string {
  return hash('sha256', text, 'hex');
}

/**
 * Refuses documents that are not on the list, on every transport, except those of merchants' servers. A client may send the hash alone over
 * HTTP, as `extensions.persistedQuery.sha256Hash`.
 */
export function requireTrusted(trusted: TrustedDocuments): Plugin<GraphqlContext> {
  return {
    onParams({ params, setParams }) {
      const hash: unknown = params?.extensions?.persistedQuery?.sha256Hash;
      if (params?.query || typeof hash !== 'string') return;
      const query = trusted.get(hash);
      if (query === undefined) throw notTrusted();
      setParams({ ...params, query });
    },
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => refusalOf(trusted, args) ?? executeFn(args));
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => refusalOf(trusted, args) ?? subscribeFn(args));
    },
  };
}

function refusalOf(trusted: TrustedDocuments, { document, contextValue }: ExecutionArgs): ExecutionResult | null {
  const { actor } = contextValue as GraphqlContext;
  if (actor?.role === 'MERCHANT') return null;
  return trusted.has(documentHashOf(document.loc?.source.body ?? '')) ? null : { errors: [notTrusted()] };
}

function notTrusted(): GraphQLError {
  return new GraphQLError('This document is not on the list of documents that this server accepts from browsers.', {
    extensions: { code: 'FORBIDDEN' },
  });
}
