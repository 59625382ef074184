import { parseArgs } from 'node:util';

export const usage = `Compares a provider's bill of one day with the database and repairs differences.

  npm run reconcile -- --provider alipay --date 2026-11-21
  npm run reconcile -- --account pac_… --date 2026-11-21

  --provider NAME  alipay, wechatpay or stripe: the account of the environment
  --account ID     or an account that is stored: see npm run paystream -- provider list
  --date DAY       a day that has ended: in Beijing time for Alipay and WeChat Pay, in UTC for Stripe
  --output FILE    writes all results to FILE as JSON
  --json           prints the same JSON instead of the table
  --dry-run        finds differences and changes nothing
  --ask-about-all  queries the provider about everything that its bill lacks, even if that is more than it lists

Exit code: 0 if there are no differences, 2 if there are differences, repaired or not, and 1 if the command failed.
See docs/reconciliation.md for the meaning of the results and what to do.`;

export type Options = {
  /** The account of the environment, in upper case, like `ProviderName`, or the id of a stored account. Not validated. */
  readonly account: { readonly provider: string } | { readonly id: string };
  readonly date: string;
  readonly output: string | null;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly askAboutAll: boolean;
};

/** The command line is invalid. The message says why. */
export class UsageError extends Error {}

/** Parses the command line. Null when help is requested. @throws {UsageError} */
export function readOptions(args: readonly string[]): Options | null {
  const { provider, account, date, output, json, 'dry-run': dryRun, 'ask-about-all': askAboutAll, help } = parse(args);
  if (help) return null;
  if (provider !== undefined && account !== undefined) throw new UsageError('Set --provider or --account, not both.');
  if (provider === undefined && account === undefined) {
    throw new UsageError('--provider is missing. Set it to alipay, wechatpay or stripe, or set --account.');
  }
  if (date === undefined) throw new UsageError('--date is missing. Set it to a day, for example 2026-11-21.');
  if (!isDay(date)) throw new UsageError(`--date must be a day such as 2026-11-21, but is ${date}.`);
  return {
    account: account === undefined ? { provider: (provider ?? '').toUpperCase() } : { id: account },
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
        account: { type: 'string' },
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
