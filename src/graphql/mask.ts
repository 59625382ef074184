import { GraphQLError } from 'graphql';
import { overloadIn } from '../database/database.ts';
import { DomainError, type ErrorCode, InvalidInputError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';

/** Codes for domain errors that the union of a field does not list. Others become BAD_USER_INPUT. */
const codesOutsideUnions: Readonly<Partial<Record<ErrorCode, string>>> = { FORBIDDEN: 'FORBIDDEN' };

const overloadedMessage =
  'The server is overloaded, or its database is not available. Try again after retryAfterMs milliseconds. A mutation may have taken ' +
  'effect: repeat it with the same idempotencyKey.';

/**
 * Converts any error to the form that a client may see. Mistakes of the client keep their message. Internal errors are masked, and logged
 * with the id of the request. Every result has `extensions.code`.
 */
export function maskedError(error: unknown, requestId: string, log: Log): GraphQLError {
  if (!(error instanceof GraphQLError)) return maskedCause(error, undefined, requestId, log);
  const { originalError: cause } = error;
  if (cause === undefined || cause instanceof GraphQLError) return withCode(error);
  return maskedCause(cause, error, requestId, log);
}

/** Adds BAD_USER_INPUT to an error without a code of ours: errors that graphql-js raises by itself are mistakes in the request. */
export function withCode(error: GraphQLError): GraphQLError {
  const code = error.extensions.code;
  // Yoga's own codes all mean what the contract calls BAD_USER_INPUT.
  if (typeof code === 'string' && !/^(GRAPHQL|BAD_REQUEST|OPERATION_RESOLUTION)/.test(code)) return error;
  return copyOf(error, error.message, { ...error.extensions, code: 'BAD_USER_INPUT' });
}

function maskedCause(cause: unknown, error: GraphQLError | undefined, requestId: string, log: Log): GraphQLError {
  if (cause instanceof DomainError) {
    const code = codesOutsideUnions[cause.code];
    // The text names a code only if `extensions.code` does not.
    const isPlain = code !== undefined || cause instanceof InvalidInputError;
    const message = isPlain ? cause.message : `${cause.code}: ${cause.message}`;
    return copyOf(error, message, { code: code ?? 'BAD_USER_INPUT' });
  }
  const overload = overloadIn(cause);
  if (overload !== null) {
    const { message: why, retryAfterMs } = overload;
    log.warn({ requestId, path: error?.path, why }, 'a request was turned away and may be repeated');
    return copyOf(error, overloadedMessage, { code: 'OVERLOADED', retryAfterMs });
  }
  if (cause instanceof RangeError && error === undefined) {
    return copyOf(undefined, 'The operation is nested too deeply.', { code: 'BAD_USER_INPUT' });
  }
  log.error({ err: cause, requestId, path: error?.path }, 'a request failed');
  return copyOf(error, 'Internal error. Report the requestId to the operator of this server.', {
    code: 'INTERNAL',
    requestId,
  });
}

function copyOf(error: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = error ?? {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
