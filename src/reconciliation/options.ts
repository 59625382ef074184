import { parseArgs } from 'node:util';

export const usage = `Compares a provider's bill of a day with the database, and repairs what differs.

  npm run reconcile -- --provider alipay --date 2026-11-21

  --provider NAME  alipay, wechatpay or stripe: one that is configured
  --date DAY       a day that is over: Beijing's for Alipay and WeChat Pay, UTC's for Stripe
  --output FILE    writes everything that was found to FILE, as JSON
  --json           prints the same, instead of a table
  --dry-run        finds, and changes nothing
  --ask-about-all  asks the provider about all that its bill lacks, also when that is more than it lists

Ends with 0 when nothing differs, 2 when something does, repaired or not, and 1 when it could not be done.
docs/reconciliation.md says what each word means and what to do.`;

export type Options = {
  /** In upper case, as providers are named. */
  readonly provider: string;
  readonly date: string;
  readonly output: string | null;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly askAboutAll: boolean;
};

/** What was typed makes no sense; the message says why. */
export class UsageError extends Error {}

/** Reads a command line; null when help is asked for. @throws {UsageError} */
export function readOptions(args: readonly string[]): Options | null {
  const { provider, date, output, json, 'dry-run': dryRun, 'ask-about-all': askAboutAll, help } = parse(args);
  if (help) return null;
  if (provider === undefined) throw new UsageError('--provider is missing: whose bill?');
  if (date === undefined) throw new UsageError('--date is missing: which day, as 2026-11-21?');
  if (!isDay(date)) throw new UsageError(`--date must be a day, as 2026-11-21, and not ${date}.`);
  return {
    provider: provider.toUpperCase(),
    date,
    output: output ?? null,
    json: json ?? false,
    dryRun: dryRun ?? false,
    askAboutAll: askAboutAll ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        provider: { type: 'string' },
        date: { type: 'string' },
        output: { type: 'string' },
        json: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        'ask-about-all': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text;
}
