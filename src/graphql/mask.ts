import { GraphQLError } from 'graphql';
import { overloadIn } from '../database/database.ts';
import { DomainError, type ErrorCode, InvalidInputError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';

/** Where a domain error has no place in the result's union, it comes as an entry of `errors`. */
const entryCodes: Readonly<Partial<Record<ErrorCode, string>>> = { FORBIDDEN: 'FORBIDDEN' };

const overloadedText =
  'The server is busy or has lost its database for a moment. Try again. A mutation may have taken effect: repeat it with the same ' +
  'idempotencyKey.';

/**
 * What a client may see of an error. Its own mistakes are told, ours are masked and logged under the request's id.
 * Every entry of `errors` has `extensions.code`.
 */
export function maskedError(error: unknown, requestId: string, log: Log): GraphQLError {
  if (!(error instanceof GraphQLError)) return maskedCause(error, undefined, requestId, log);
  const { originalError: cause } = error;
  if (cause === undefined || cause instanceof GraphQLError) return withCode(error);
  return maskedCause(cause, error, requestId, log);
}

/** A GraphQL error with a code: whatever graphql-js says by itself is about the request. */
export function withCode(error: GraphQLError): GraphQLError {
  const code = error.extensions.code;
  // Codes of the server's own making stand for what our contract calls bad input.
  if (typeof code === 'string' && !/^(GRAPHQL|BAD_REQUEST|OPERATION_RESOLUTION)/.test(code)) return error;
  return copyOf(error, error.message, { ...error.extensions, code: 'BAD_USER_INPUT' });
}

function maskedCause(cause: unknown, error: GraphQLError | undefined, requestId: string, log: Log): GraphQLError {
  if (cause instanceof DomainError) {
    const message = cause instanceof InvalidInputError ? cause.message : `${cause.code}: ${cause.message}`;
    return copyOf(error, message, { code: entryCodes[cause.code] ?? 'BAD_USER_INPUT' });
  }
  const overload = overloadIn(cause);
  if (overload !== null) {
    const { message: why, retryAfterMs } = overload;
    log.warn({ requestId, path: error?.path, why }, 'a request was turned away and may be repeated');
    return copyOf(error, overloadedText, { code: 'OVERLOADED', retryAfterMs });
  }
  if (cause instanceof RangeError && error === undefined) {
    return copyOf(undefined, 'The operation cannot be read.', { code: 'BAD_USER_INPUT' });
  }
  log.error({ err: cause, requestId, path: error?.path }, 'a request failed');
  return copyOf(error, 'Something went wrong on our side.', { code: 'INTERNAL', requestId });
}

function copyOf(error: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = error ?? {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
