import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
import { ClientError, GraphQLClient } from 'graphql-request';
import { withDeadline } from './deadline.ts';
import { type AnsweredError, errorOf, networkError, PaystreamError } from './errors.ts';
import { headersOf, type Token } from './token.ts';

/**
 * An operation: text, or what a code generator made of it, which knows its variables and its result. Documents that are syntax trees
 * (`TypedDocumentNode`) have to be printed first.
 */
export type Document<Result, Variables> = string | (DocumentTypeDecoration<Result, Variables> & { toString(): string });

/** The argument for the variables can be omitted when all of them can. */
export type VariablesArgument<Variables> = object extends Variables
  ? [variables?: Variables, options?: RequestOptions]
  : [variables: Variables, options?: RequestOptions];

export type RequestOptions = { readonly signal?: AbortSignal };

export type Request = <Result, Variables>(
  document: Document<Result, Variables>,
  ...rest: VariablesArgument<Variables>
) => Promise<Result>;

export type RequestParts = { readonly url: string; readonly token: Token; readonly fetch: typeof fetch };

/** A request without an answer is abandoned after this time, in milliseconds, because a connection can be dead without saying so. */
export const answerMsMax = 30_000;

/** Sends queries and mutations. They are sent once: a query can be repeated, a mutation only with its idempotency key. */
export function createRequest({ url, token, fetch }: RequestParts): Request {
  const client = new GraphQLClient(url, { fetch });
  return async (document, ...[variables, { signal } = {}]) => {
    try {
      return await withDeadline(signal ?? null, answerMsMax, async (ending) => {
        const requestHeaders = await headersOf(token);
        return client.request({
          ...{ document: String(document), variables: variables ?? {} },
          ...{ requestHeaders, signal: ending },
        });
      });
    } catch (error) {
      throw signal?.aborted ? signal.reason : failureOf(error);
    }
  };
}

/** The message of a ClientError repeats the variables, which may hold secrets, so it is not the cause. */
function failureOf(error: unknown): PaystreamError {
  if (error instanceof PaystreamError) return error;
  if (!(error instanceof ClientError)) return networkError(error);
  const { status, errors } = error.response as { status: number; errors?: readonly AnsweredError[] };
  if (Array.isArray(errors) && errors.length > 0) return errorOf(errors);
  // A proxy's answer, or that of another server.
  if (status === 401 || status === 403) return new PaystreamError('FORBIDDEN', `The server answered ${status}.`);
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return new PaystreamError('BAD_USER_INPUT', `The server answered ${status}. Check the url.`);
  }
  return networkError(new Error(`The server answered ${status}.`));
}
