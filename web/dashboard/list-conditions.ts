/** The conditions of a list as they are in the address. Empty texts are no conditions. */
export type ListConditions = {
  /** Days in the time zone of the browser, `2026-11-26`. */
  readonly from: string;
  readonly to: string;
  readonly sort: string;
  /** The place of the page in the list. */
  readonly after: string;
  readonly before: string;
};

export const pageSize = 25;
export const methods = ['CARD', 'ALIPAY', 'WECHAT_PAY'] as const;

/** Names of conditions that every list has. */
export const commonNames = ['from', 'to', 'sort', 'after', 'before'] as const;

export function conditionsIn<Name extends string>(
  names: readonly Name[],
  query: URLSearchParams,
): Readonly<Record<Name, string>> {
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as Record<Name, string>;
}

/** The place of a list under these conditions. */
export function placeIn(path: string, conditions: Readonly<Record<string, string>>): string {
  return `${path}?${new URLSearchParams(Object.entries(conditions).filter(([, value]) => value !== ''))}`;
}

/** True when nothing is filtered. */
export function isUnfiltered(conditions: Readonly<Record<string, string>>): boolean {
  return Object.entries(conditions).every(
    ([name, value]) => ['sort', 'after', 'before'].includes(name) || value === '',
  );
}

/** The values of a list separated by commas that the API knows, or null. Others are left out: addresses are typed by people. */
export function listed<Value extends string>(text: string, known: readonly Value[]): Value[] | null {
  const chosen = known.filter((value) => text.split(',').includes(value));
  return chosen.length > 0 ? chosen : null;
}

/** The conditions of the time of creation. */
export function createdWithin({ from, to }: ListConditions) {
  return { createdFrom: startOfDay(from, 0), createdBefore: startOfDay(to, 1) };
}

/** The order and the page of a list. */
export function pageOf({ sort, after, before }: ListConditions) {
  return {
    orderBy: sort === 'oldest' ? ('OLDEST_FIRST' as const) : ('NEWEST_FIRST' as const),
    ...(before === '' ? { first: pageSize, after: after || null } : { last: pageSize, before }),
  };
}

function startOfDay(day: string, daysLater: number): string | null {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? [];
  if (year === undefined) return null;
  const start = new Date(Number(year), Number(month) - 1, Number(date) + daysLater);
  return Number.isNaN(start.getTime()) ? null : start.toISOString();
}
