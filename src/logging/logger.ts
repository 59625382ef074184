import { type DestinationStream, type Level, type Logger, pino } from 'pino';
import { secretFields, withoutSecrets } from './secrets.ts';
import { traceFields } from './trace.ts';

const causesMax = 5;
const messageCharactersMax = 1000;
const framesMax = 12;

/** An error as operators read it. */
type LoggedError = {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
} & Readonly<Record<string, unknown>>;

/** What else errors of ours, of drivers and of SDKs say in one word. Their other fields hold requests, headers and rows. */
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
 * Errors are written by what we know of them and nothing else: those of Stripe's SDK carry the whole answer with its headers and a
 * client secret, those of the database driver the row that was refused.
 */
export function errorFields(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: textOf(String(error)) };
  const known = error as Error & Readonly<Record<string, unknown>>; // whatever else somebody has put on it
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

/** What a JSON parser complains about it quotes, and that may be anything. */
function messageOf(error: Error): string {
  return error instanceof SyntaxError && /JSON/.test(error.message) ? 'It is not JSON.' : textOf(error.message);
}

function textOf(text: string): string {
  return withoutSecrets(text).slice(0, messageCharactersMax);
}

/** The message stands above the frames, and is written apart. */
function framesOf({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames.slice(0, framesMax).join('\n');
}

/**
 * The log of the product: a line of JSON for each thing that happens, under the id of the request that it belongs to. Nothing secret is
 * logged; what a field's name or the shape of a text gives away as secret is not written either.
 */
export function createLogger(level: Level | 'silent', destination: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level,
      mixin: traceFields,
      serializers: { err: errorFields },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    destination,
  );
}
