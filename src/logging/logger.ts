import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import { withoutSecretFields, withoutSecrets } from './secrets.ts';
import { spanFields } from './trace.ts';

const causesMax = 5;
const messageCharactersMax = 1000;
const framesMax = 12;

/** An error in the log. */
type LoggedError = {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
} & Readonly<Record<string, unknown>>;

/**
 * Further fields of our errors and of those of drivers and SDKs. Their other fields contain requests, headers and rows.
 */
const wordsKept = [
  'code',
  'statusCode',
  'requestId',
  'constraint',
  'table',
  'syscall',
  'reason',
  'retryAfterMs',
] as const;

/**
 * Converts an error to logged fields, from an allow-list: errors of Stripe's SDK contain the whole response with its
 * headers and a client secret, and those of the database driver contain the refused row.
 */
export function errorFields(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: textOf(String(error)) };
  const known = error as Error & Readonly<Record<string, unknown>>; // errors may have any other properties
  const words = wordsKept.flatMap((name) => {
    const value = known[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, textOf(String(value))] as const] : [];
  });
  const isNested = error.cause !== undefined && depth < causesMax;
  return {
    type: error.constructor.name,
    message: messageOf(error),
    ...Object.fromEntries(words),
    ...(depth === 0 && { stack: framesOf(error) }),
    ...(isNested && { cause: errorFields(error.cause, depth + 1) }),
  };
}

/** Messages of the JSON parser quote the text, which may be anything. */
function messageOf(error: Error): string {
  return error instanceof SyntaxError && /JSON/.test(error.message) ? 'It is not JSON.' : textOf(error.message);
}

function textOf(text: string): string {
  return withoutSecrets(text).slice(0, messageCharactersMax);
}

/** Only the frames. The message above them is logged separately. */
function framesOf({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames.slice(0, framesMax).join('\n');
}

/**
 * The application's log: one line of JSON for each event. Secrets must not be logged. As a
 * second protection, fields with secret names and texts with the form of a secret are redacted.
 */
export function createLogger(level: Level | 'silent', destination: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level,
      mixin: spanFields,
      serializers: { err: errorFields },
      formatters: { log: withoutSecretFields },
    },
    destination,
  );
}
