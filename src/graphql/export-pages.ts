import type { GraphQLInputType } from 'graphql';
import { execute, GraphQLError, isInputObjectType, isListType, isNonNullType, parse } from 'graphql';
import type { OperationRate } from '../limits/open-limits.ts';
import type { Quota } from '../limits/quota.ts';
import type { RateLimiter } from '../limits/rate-limiter.ts';
import type { Authenticate, Caller } from './authentication.ts';
import { maskedError } from './mask.ts';
import { principalOf, rateNameOf } from './operation-limits.ts';
import { pageSizeMax } from './page.ts';
import { schema } from './schema.ts';
import { contextOfViewer, type ServerContext, viewerOf } from './viewer.ts';

export const exportKinds = ['orders', 'payments', 'refunds'] as const;
export type ExportKind = (typeof exportKinds)[number];

const money = '{ decimal }';
const fields: Readonly<Record<ExportKind, string>> = {
  orders: `id number status paymentStatus total { decimal currency } captured ${money} refunded ${money} customerId description metadata
    needsReview createdAt updatedAt expiresAt`,
  payments: `id order { id number } method flow status amount { decimal currency } captured ${money} refunded ${money} providerPaymentId
    card { brand last4 } failure { reason } createdAt succeededAt`,
  refunds: `id order { id number } payment { id method } status origin approval amount { decimal currency } reason providerRefundId
    failure { reason } createdAt succeededAt`,
};
const typeNames: Readonly<Record<ExportKind, string>> = { orders: 'Order', payments: 'Payment', refunds: 'Refund' };

function documentOf(kind: ExportKind) {
  const type = typeNames[kind];
  return parse(`query($filter: ${type}Filter, $orderBy: ${type}Sort, $after: String) {
    page: ${kind}(first: ${pageSizeMax}, filter: $filter, orderBy: $orderBy, after: $after) {
      nodes { ${fields[kind]} } pageInfo { hasNextPage endCursor }
    } }`);
}
const documents = { orders: documentOf('orders'), payments: documentOf('payments'), refunds: documentOf('refunds') };

export type ExportRequest = {
  readonly kind: ExportKind;
  readonly authorization: string | null;
  /** The parameters of the URL: those of the list's filter, and `orderBy`. */
  readonly parameters: URLSearchParams;
  readonly requestId: string;
  /** The address of the client. */
  readonly address: string;
};

/** How many exports of one merchant, and of one of its people or keys, are sent at a time by one process. */
const exportsOfMerchantMax = 4;
const exportsOfPrincipalMax = 2;

export type ExportLimits = {
  readonly rates: Readonly<Record<OperationRate, RateLimiter>>;
  readonly places: Quota;
};

/** The rows of an export, a page at a time. Throws a `GraphQLError` that a client may see. */
export type ReadExport = (request: ExportRequest) => AsyncGenerator<readonly Readonly<Record<string, unknown>>[]>;

type Result = {
  readonly page: {
    readonly nodes: readonly Readonly<Record<string, unknown>>[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  } | null;
};

/** Reads exports by the same operations as clients of the API, so that they have the same rights, filters and values. */
export function createExportReader(
  server: ServerContext,
  authenticate: Authenticate,
  limits: ExportLimits,
): ReadExport {
  /** Asked for each page, so that a token that has expired or was revoked meanwhile ends the export. */
  const admit = async (authorization: string | null): Promise<Caller> => {
    const caller = await authenticate(authorization);
    if (caller !== null) return caller;
    throw new GraphQLError('A valid bearer token is required.', { extensions: { code: 'UNAUTHENTICATED' } });
  };
  return async function* read({ authorization, address, ...wanted }) {
    await takeRate(limits, await authenticate(authorization), address);
    const leave = takePlaces(limits, await admit(authorization));
    try {
      yield* pagesOf(wanted, () => admit(authorization));
    } finally {
      leave();
    }
  };

  async function* pagesOf(
    { kind, parameters, requestId }: Pick<ExportRequest, 'kind' | 'parameters' | 'requestId'>,
    admitAgain: () => Promise<Caller>,
  ) {
    const { filter, orderBy } = variablesOf(kind, parameters);
    let after: string | null = null;
    do {
      const caller = await admitAgain();
      const { data, errors } = await execute({
        schema,
        document: documents[kind],
        variableValues: { filter, orderBy, after },
        contextValue: { ...contextOfViewer(server, viewerOf(caller)), requestId },
      });
      const [error] = errors ?? [];
      if (error !== undefined) throw maskedError(error, requestId, server.commands.log);
      const { page } = data as unknown as Result;
      if (page === null) return;
      yield page.nodes;
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
  }
}

/** An export counts as a query. @throws {GraphQLError} RATE_LIMITED. */
async function takeRate({ rates }: ExportLimits, caller: Caller | null, address: string): Promise<void> {
  const waitMs = await rates[rateNameOf(caller, false)].take(caller === null ? address : principalOf(caller));
  if (waitMs === null) return;
  const extensions = { code: 'RATE_LIMITED', retryAfterMs: waitMs };
  throw new GraphQLError('There are too many requests. Try again later.', { extensions });
}

/** One caller does not keep the others of its merchant from exporting, nor one merchant the others. @throws {GraphQLError} OVERLOADED. */
function takePlaces({ places }: ExportLimits, caller: Caller): () => void {
  const ofPrincipal = places.take(principalOf(caller), exportsOfPrincipalMax);
  const ofMerchant = ofPrincipal === null ? null : places.take(caller.merchantId, exportsOfMerchantMax);
  if (ofPrincipal !== null && ofMerchant !== null)
    return () => {
      ofPrincipal.release();
      ofMerchant.release();
    };
  ofPrincipal?.release();
  throw new GraphQLError('Too many exports are being sent. Try again in a moment.', {
    extensions: { code: 'OVERLOADED', retryAfterMs: 1000 },
  });
}

const badParameter = (name: string, message: string) =>
  new GraphQLError(`${name}: ${message}`, { extensions: { code: 'BAD_USER_INPUT' } });

/** The variables of the operation. GraphQL checks the values. */
function variablesOf(kind: ExportKind, parameters: URLSearchParams) {
  const type = schema.getType(`${typeNames[kind]}Filter`);
  if (!isInputObjectType(type)) throw new Error(`${kind} have no filter.`);
  const known = type.getFields();
  const filter: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys())) {
    if (name === 'orderBy') continue;
    const field = known[name];
    if (field === undefined) {
      throw badParameter(name, `is not a filter of ${kind}. They are: ${Object.keys(known).join(', ')}, and orderBy.`);
    }
    filter[name] = parsed(name, field.type, parameters.getAll(name));
  }
  return { filter, orderBy: parameters.get('orderBy') ?? undefined };
}

/** The value of a parameter. Lists are repeated, or separated by commas. */
function parsed(name: string, type: GraphQLInputType, given: readonly string[]): unknown {
  if (isNonNullType(type)) return parsed(name, type.ofType, given);
  if (isListType(type)) {
    return given.flatMap((text) => text.split(',')).map((text) => parsed(name, type.ofType, [text]));
  }
  const [text = '', second] = given;
  if (second !== undefined) throw badParameter(name, 'is given more than once.');
  if ('name' in type && type.name === 'Boolean') {
    if (text !== 'true' && text !== 'false') throw badParameter(name, 'must be true or false.');
    return text === 'true';
  }
  if ('name' in type && (type.name === 'MinorUnits' || type.name === 'Int')) {
    if (!/^\d{1,16}$/.test(text)) throw badParameter(name, 'must be a whole number.');
    return Number(text);
  }
  return text;
}
