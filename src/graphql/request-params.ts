import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** The parameters in Yoga's form. Yoga checks their types. */
type Params = Record<string, unknown>;

/**
 * Parses the parameters of a request, and names the one that is malformed. Yoga's own parsers accept invalid UTF-8, and report invalid JSON
 * as an internal error.
 */
export function strictParams(): Plugin {
  return {
    onRequestParse({ request, setRequestParser }) {
      if (request.method === 'GET') setRequestParser(() => formOf(queryStringOf(request.url)));
      else if (request.headers.get('content-type')?.endsWith('json')) {
        setRequestParser(async () => jsonOf('The body', await request.text()) as Params);
      }
    },
    onParams({ params }) {
      if (!params?.query && params?.extensions?.persistedQuery) throw persistedQueryNotSupported();
    },
  };
}

/** Clients of automatic persisted queries react to this code or message: they send the query text, and stop sending hashes. */
function persistedQueryNotSupported(): GraphQLError {
  return new GraphQLError('PersistedQueryNotSupported', {
    extensions: {
      code: 'PERSISTED_QUERY_NOT_SUPPORTED',
      // Some clients read the body only when the status is 200.
      http: { status: 200, headers: { 'cache-control': 'private, no-cache, must-revalidate' } },
    },
  });
}

function queryStringOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start + 1);
}

function formOf(text: string): Params {
  const fields = new Map<string, string>();
  for (const pair of text.split('&')) {
    const [name = '', ...rest] = pair.split('=');
    const key = decoded(name);
    if (!fields.has(key)) fields.set(key, decoded(rest.join('=')));
  }
  const at = (name: string) => fields.get(name) || undefined;
  const objectAt = (name: string) => {
    const value = at(name);
    return value === undefined ? undefined : (jsonOf(name, value) as object);
  };
  return {
    ...{ query: at('query'), operationName: at('operationName') },
    ...{ variables: objectAt('variables'), extensions: objectAt('extensions') },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw unreadable('The parameters are not valid percent-encoded UTF-8.');
  }
}

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(`${name}: is not valid JSON.`); // the parser's own message repeats the input
  }
}

function unreadable(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
}
