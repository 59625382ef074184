import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** As Yoga hands them on; whether each is of its kind is checked there. */
type Params = Record<string, unknown>;

/**
 * Reads what a request carries, and names the parameter that cannot be read. The server's own readers take any bytes, and fail on JSON in a
 * way that looks like a fault of ours.
 */
export function strictParams(): Plugin {
  return {
    onRequestParse({ request, setRequestParser }) {
      if (request.method === 'GET') setRequestParser(() => formOf(queryStringOf(request.url)));
      else if (request.headers.get('content-type') === 'application/x-www-form-urlencoded') {
        setRequestParser(async () => formOf(await request.text()));
      } else if (request.headers.get('content-type')?.endsWith('json')) {
        setRequestParser(async () => jsonOf('The body', await request.text()) as Params);
      }
    },
    onParams({ params }) {
      if (!params?.query && params?.extensions?.persistedQuery) throw persistedQueryNotSupported();
    },
  };
}

/** Clients that send a hash in place of the text take this for "send the text, and ask no more": by the code, or by the message. */
function persistedQueryNotSupported(): GraphQLError {
  return new GraphQLError('PersistedQueryNotSupported', {
    extensions: {
      code: 'PERSISTED_QUERY_NOT_SUPPORTED',
      // Some look at the body of a 200 alone.
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
    throw unreadable('The parameters are not UTF-8 in percent-encoding.');
  }
}

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(`${name}: is not JSON.`); // the parser's own message repeats what was sent
  }
}

function unreadable(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
}
