import { parseArgs } from 'node:util';

export const usage = `Administers merchants, their keys and their provider accounts.

  npm run paystream -- merchant add --name NAME --return-origin ORIGIN [--web-origin ORIGIN] [--brand-color COLOR]
  npm run paystream -- merchant update MERCHANT_ID [--name NAME] [--return-origin ORIGIN] [--web-origin ORIGIN] [--brand-color COLOR]
  npm run paystream -- merchant list
  npm run paystream -- key add [--merchant ID] --name NAME
  npm run paystream -- key list [--merchant ID]
  npm run paystream -- key revoke KEY_ID
  npm run paystream -- signing-key add [--merchant ID] [--jwks-url URL]
  npm run paystream -- signing-key list [--merchant ID]
  npm run paystream -- signing-key revoke SIGNING_KEY_ID
  npm run paystream -- token mint [--merchant ID] --role ROLE --subject ID [--expires-in SECONDS]
  npm run paystream -- provider add PROVIDER [--merchant ID] --file FILE [--allow-test]
  npm run paystream -- provider update ACCOUNT_ID --file FILE [--allow-test]
  npm run paystream -- provider list [--merchant ID]
  npm run paystream -- provider test ACCOUNT_ID
  npm run paystream -- provider disable ACCOUNT_ID
  npm run paystream -- webhook add [--merchant ID] --url URL [--event TYPE] [--unordered] [--description TEXT]
  npm run paystream -- webhook update ENDPOINT_ID [--url URL] [--event TYPE] [--ordered | --unordered] [--description TEXT]
  npm run paystream -- webhook list [--merchant ID]
  npm run paystream -- webhook log ENDPOINT_ID [--failed]
  npm run paystream -- webhook pause ENDPOINT_ID
  npm run paystream -- webhook resume ENDPOINT_ID
  npm run paystream -- webhook rotate-secret ENDPOINT_ID [--keep-previous SECONDS]
  npm run paystream -- webhook resend ENDPOINT_ID EVENT_ID
  npm run paystream -- webhook replay ENDPOINT_ID --since TIME [--before TIME]
  npm run paystream -- webhook replay ENDPOINT_ID --after CURSOR [--until CURSOR]
  npm run paystream -- webhook remove ENDPOINT_ID
  npm run paystream -- master-key rotate

  --name NAME             a name for people, such as "My shop" or "shop server"
  --return-origin ORIGIN  a web origin that buyers may return to after paying, such as https://shop.example; may be repeated.
                          An update replaces all origins
  --web-origin ORIGIN     the origin of a web page that calls the API from the browser; may be repeated. An update replaces all,
                          and --web-origin none removes them
  --brand-color COLOR     the colour of the checkout page, such as #0a7d4b
  --merchant ID           the merchant, mch_…; required if there are several
  --jwks-url URL          your login service's JSON Web Key Set; without it, an HS256 secret is made
  --role ROLE             OPERATOR, VIEWER or CUSTOMER
  --subject ID            your own id of the person; for a customer, the customerId of orders
  --expires-in SECONDS    1 to 86400; 3600 without it
  PROVIDER                stripe, alipay or wechatpay
  --file FILE             the account's variables, one NAME=VALUE in each line, as in an .env file; - reads standard input.
                          Secrets are never arguments: other users of the machine could read them there
  --url URL               where events are posted, such as https://shop.example/webhooks
  --event TYPE            a type of event that the endpoint gets, such as PAYMENT_SUCCEEDED; may be repeated. Without it: all.
                          An update replaces all types, and --event all sends all
  --ordered, --unordered  whether an event waits until the earlier events of its order are acknowledged. A new endpoint is ordered
  --keep-previous SECONDS how long messages are signed with the previous secret too, 0 to 604800; 86400 without it
  --description TEXT      a note about the endpoint for people
  --failed                only events whose delivery has failed for good
  --since TIME            events from this time on, such as 2026-11-26T08:00:00Z
  --before TIME           and before this time; without it, up to now
  --after CURSOR          events after this one; the cursor of an event in the merchant's log
  --until CURSOR          and up to this one, which is sent too; without it, up to the last
  --allow-test            production accepts an account in which no money moves: a test key or a provider's sandbox

It works on the database of the server: set the same NODE_ENV, PUBLIC_URL and MASTER_KEY, and the same
DATABASE_URL or DATA_DIR. A running server needs no restart.`;

/** A command line about webhook endpoints. */
export type WebhookOptions =
  | {
      readonly command: 'webhook add';
      readonly merchantId: string | null;
      readonly url: string;
      readonly eventTypes: readonly string[] | null;
      readonly ordered: boolean | null;
      readonly description: string | null;
    }
  | {
      readonly command: 'webhook update';
      readonly endpointId: string;
      readonly url: string | null;
      readonly eventTypes: readonly string[] | null;
      readonly ordered: boolean | null;
      readonly description: string | null;
    }
  | { readonly command: 'webhook list'; readonly merchantId: string | null }
  | { readonly command: 'webhook log'; readonly endpointId: string; readonly onlyFailed: boolean }
  | { readonly command: 'webhook pause' | 'webhook resume' | 'webhook remove'; readonly endpointId: string }
  | {
      readonly command: 'webhook rotate-secret';
      readonly endpointId: string;
      readonly keepPreviousSeconds: number | null;
    }
  | { readonly command: 'webhook resend'; readonly endpointId: string; readonly eventId: string }
  | {
      readonly command: 'webhook replay';
      readonly endpointId: string;
      readonly after: string | null;
      readonly since: Date | null;
      readonly until: string | null;
      readonly before: Date | null;
    };

/** A command line of the paystream command. */
export type Options =
  | {
      readonly command: 'merchant add';
      readonly name: string;
      readonly returnOrigins: readonly string[];
      readonly webOrigins: readonly string[];
      readonly brandColor: string | null;
    }
  | {
      readonly command: 'merchant update';
      readonly merchantId: string;
      readonly name: string | null;
      readonly returnOrigins: readonly string[] | null;
      readonly webOrigins: readonly string[] | null;
      readonly brandColor: string | null;
    }
  | { readonly command: 'merchant list' }
  | { readonly command: 'key add'; readonly merchantId: string | null; readonly name: string }
  | { readonly command: 'key list'; readonly merchantId: string | null }
  | { readonly command: 'key revoke'; readonly keyId: string }
  | { readonly command: 'signing-key add'; readonly merchantId: string | null; readonly jwksUrl: string | null }
  | { readonly command: 'signing-key list'; readonly merchantId: string | null }
  | { readonly command: 'signing-key revoke'; readonly signingKeyId: string }
  | {
      readonly command: 'token mint';
      readonly merchantId: string | null;
      readonly role: string;
      readonly subject: string;
      readonly expiresInSeconds: number;
    }
  | {
      readonly command: 'provider add';
      readonly provider: string;
      readonly merchantId: string | null;
      readonly file: string;
      readonly allowsTest: boolean;
    }
  | {
      readonly command: 'provider update';
      readonly accountId: string;
      readonly file: string;
      readonly allowsTest: boolean;
    }
  | { readonly command: 'provider list'; readonly merchantId: string | null }
  | { readonly command: 'provider test' | 'provider disable'; readonly accountId: string }
  | WebhookOptions
  | { readonly command: 'master-key rotate' };

/** The command line cannot be understood. The message says why. */
export class UsageError extends Error {}

/** Parses a command line; null when help is requested. @throws {UsageError} */
export function readOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parse(args);
  if (values.help || positionals.length === 0 || positionals[0] === 'help') return null;
  const [noun, verb, ...rest] = positionals;
  const command = `${noun} ${verb ?? ''}`.trim();
  const { merchant = null, 'return-origin': returnOrigins = [], 'brand-color': brandColor = null } = values;
  const webOrigins = listOf('--web-origin', 'none', values['web-origin']);
  const allowsTest = values['allow-test'] === true;
  const name = onlyOf('--name', values.name);
  const required = (value: string | undefined, option: string): string => {
    if (value === undefined) throw new UsageError(`${command} needs ${option}.`);
    return value;
  };
  const options = ((): Options => {
    switch (command) {
      case 'merchant add':
        if (returnOrigins.length === 0) throw new UsageError('merchant add needs at least one --return-origin.');
        return { command, name: required(name, '--name'), returnOrigins, webOrigins: webOrigins ?? [], brandColor };
      case 'merchant update':
        if (name === undefined && returnOrigins.length === 0 && webOrigins === null && brandColor === null) {
          throw new UsageError('merchant update needs --name, --return-origin, --web-origin or --brand-color.');
        }
        return {
          command,
          merchantId: required(rest.shift(), 'the id of a merchant, mch_…'),
          name: name ?? null,
          returnOrigins: returnOrigins.length === 0 ? null : returnOrigins,
          webOrigins,
          brandColor,
        };
      case 'merchant list':
        return { command };
      case 'key add':
        return { command, merchantId: merchant, name: required(name, '--name') };
      case 'key list':
        return { command, merchantId: merchant };
      case 'key revoke':
        return { command, keyId: required(rest.shift(), 'the id of a key, key_…') };
      case 'signing-key add':
        return { command, merchantId: merchant, jwksUrl: values['jwks-url'] ?? null };
      case 'signing-key list':
        return { command, merchantId: merchant };
      case 'signing-key revoke':
        return { command, signingKeyId: required(rest.shift(), 'the id of a signing key, jwk_…') };
      case 'token mint':
        return {
          command,
          merchantId: merchant,
          role: required(values.role, '--role').toUpperCase(),
          subject: required(values.subject, '--subject'),
          expiresInSeconds: secondsOf('--expires-in', values['expires-in'] ?? '3600'),
        };
      case 'provider add':
        return {
          command,
          provider: required(rest.shift(), 'the name of a provider: stripe, alipay or wechatpay'),
          merchantId: merchant,
          file: required(values.file, '--file with the account’s variables'),
          allowsTest,
        };
      case 'provider update':
        return {
          command,
          accountId: required(rest.shift(), anAccount),
          file: required(values.file, '--file with all variables of the account'),
          allowsTest,
        };
      case 'provider list':
        return { command, merchantId: merchant };
      case 'provider test':
      case 'provider disable':
        return { command, accountId: required(rest.shift(), anAccount) };
      case 'webhook add':
        return { command, merchantId: merchant, ...webhookOf(values), url: required(values.url, '--url') };
      case 'webhook update': {
        const change = webhookOf(values);
        if (Object.values(change).every((value) => value === null)) {
          throw new UsageError('webhook update needs --url, --event, --ordered, --unordered or --description.');
        }
        return { command, endpointId: required(rest.shift(), anEndpoint), ...change };
      }
      case 'webhook list':
        return { command, merchantId: merchant };
      case 'webhook log':
        return { command, endpointId: required(rest.shift(), anEndpoint), onlyFailed: values.failed === true };
      case 'webhook pause':
      case 'webhook resume':
      case 'webhook remove':
        return { command, endpointId: required(rest.shift(), anEndpoint) };
      case 'webhook rotate-secret': {
        const kept = values['keep-previous'];
        const keepPreviousSeconds = kept === undefined ? null : secondsOf('--keep-previous', kept);
        return { command, endpointId: required(rest.shift(), anEndpoint), keepPreviousSeconds };
      }
      case 'webhook resend':
        return {
          command,
          endpointId: required(rest.shift(), anEndpoint),
          eventId: required(rest.shift(), 'the id of an event, evt_…'),
        };
      case 'webhook replay':
        return {
          command,
          endpointId: required(rest.shift(), anEndpoint),
          ...{ after: values.after ?? null, until: values.until ?? null },
          ...{ since: timeOf('--since', values.since), before: timeOf('--before', values.before) },
        };
      case 'master-key rotate':
        return { command };
      default:
        if (noun === 'webhook' && verb === undefined) {
          throw new UsageError(
            'webhook needs add, update, list, log, pause, resume, rotate-secret, resend, replay or remove.',
          );
        }
        if (noun === 'provider' && verb === undefined) {
          throw new UsageError('provider needs add, update, list, test or disable.');
        }
        if (noun === 'master-key' && verb === undefined) throw new UsageError('master-key needs rotate.');
        if (noun === 'merchant' && verb === undefined) throw new UsageError('merchant needs add, update or list.');
        if (noun === 'key' && verb === undefined) throw new UsageError('key needs add, list or revoke.');
        if (noun === 'signing-key' && verb === undefined) {
          throw new UsageError('signing-key needs add, list or revoke.');
        }
        if (noun === 'token' && verb === undefined) throw new UsageError('token needs mint.');
        throw new UsageError(`There is no command "${command}".`);
    }
  })();
  const [first] = rest;
  // A value may be a secret, and errors are often kept in logs.
  if (first !== undefined) throw new UsageError(`${command} does not take "${first.replace(/=.*/s, '=…')}".`);
  const taken = takenBy[command] ?? [];
  const surplus = Object.keys(values).find((option) => !taken.includes(option));
  if (surplus !== undefined) throw new UsageError(`${command} does not take --${surplus}.`);
  return options;
}

const anEndpoint = 'the id of a webhook endpoint, whe_…';
const anAccount = 'the id of a provider account, pac_…';

const takenBy: Readonly<Record<string, readonly string[]>> = {
  'merchant add': ['name', 'return-origin', 'web-origin', 'brand-color'],
  'merchant update': ['name', 'return-origin', 'web-origin', 'brand-color'],
  'key add': ['name', 'merchant'],
  'key list': ['merchant'],
  'signing-key add': ['merchant', 'jwks-url'],
  'signing-key list': ['merchant'],
  'token mint': ['merchant', 'role', 'subject', 'expires-in'],
  'provider add': ['merchant', 'file', 'allow-test'],
  'provider update': ['file', 'allow-test'],
  'provider list': ['merchant'],
  'webhook add': ['merchant', 'url', 'event', 'ordered', 'unordered', 'description'],
  'webhook update': ['url', 'event', 'ordered', 'unordered', 'description'],
  'webhook list': ['merchant'],
  'webhook log': ['failed'],
  'webhook rotate-secret': ['keep-previous'],
  'webhook replay': ['after', 'until', 'since', 'before'],
};

/** The value of an option that is given at most once. @throws {UsageError} */
function onlyOf(option: string, values: readonly string[] | undefined): string | undefined {
  if (values !== undefined && values.length > 1) throw new UsageError(`${option} is given more than once.`);
  return values?.[0];
}

/** The values of an option that may be repeated, where a word stands for an empty list; null when it is not given. @throws {UsageError} */
function listOf(option: string, word: string, values: readonly string[] | undefined): readonly string[] | null {
  if (values === undefined) return null;
  if (!values.includes(word)) return values;
  if (values.some((value) => value !== word))
    throw new UsageError(`${option} ${word} excludes other values of ${option}.`);
  return [];
}

function secondsOf(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${option} must be a number of seconds.`);
  return Number(text);
}

function timeOf(option: string, text: string | undefined): Date | null {
  if (text === undefined) return null;
  const at = new Date(text);
  // Without an offset the time would depend on where the command runs.
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d\d:\d\d)$/.test(text)) {
    throw new UsageError(`${option} must be a time with an offset, such as 2026-11-26T08:00:00Z.`);
  }
  return at;
}

/** The fields of an endpoint; null for those that are not given. `all` stands for no restriction of the types. */
function webhookOf(values: ReturnType<typeof parse>['values']) {
  const { url = null, event, ordered = false, unordered = false, description = null } = values;
  if (ordered && unordered) throw new UsageError('--ordered and --unordered exclude each other.');
  const eventTypes = listOf('--event', 'all', event)?.map((type) => type.toUpperCase()) ?? null;
  return { url, eventTypes, ordered: ordered || unordered ? ordered : null, description };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: 'string', multiple: true },
        merchant: { type: 'string' },
        'jwks-url': { type: 'string' },
        role: { type: 'string' },
        subject: { type: 'string' },
        'expires-in': { type: 'string' },
        file: { type: 'string' },
        'allow-test': { type: 'boolean' },
        'return-origin': { type: 'string', multiple: true },
        'web-origin': { type: 'string', multiple: true },
        'brand-color': { type: 'string' },
        url: { type: 'string' },
        event: { type: 'string', multiple: true },
        ordered: { type: 'boolean' },
        unordered: { type: 'boolean' },
        description: { type: 'string' },
        failed: { type: 'boolean' },
        'keep-previous': { type: 'string' },
        after: { type: 'string' },
        until: { type: 'string' },
        since: { type: 'string' },
        before: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
