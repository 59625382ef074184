import { defaultLimits, type Limits, type RateLimit } from './limits/limits.ts';
import type { ReadVariable } from './providers/provider.ts';
import { countOf } from './variables.ts';

const countMax = 1_000_000;

/** Reads the limits that an operator may change; the others have their defaults. A caller may make twice its rate at once. */
export function limitsOf(at: ReadVariable, violations: string[]): Limits {
  const count = (name: string, fallback: number) => countOf(at, name, { fallback, min: 1, max: countMax }, violations);
  const rate = (name: string, fallback: RateLimit): RateLimit => {
    const perSecond = count(name, fallback.perSecond);
    return { perSecond, burst: 2 * perSecond };
  };
  const perPrincipal = count('SOCKETS_PER_PRINCIPAL', defaultLimits.socketsPerPrincipal);
  return {
    ...defaultLimits,
    socketsPerAddress: count('SOCKETS_PER_ADDRESS', defaultLimits.socketsPerAddress),
    socketsPerPrincipal: perPrincipal,
    subscriptionsPerPrincipal: perPrincipal,
    mutations: rate('RATE_LIMIT_MUTATIONS', defaultLimits.mutations),
    queries: rate('RATE_LIMIT_QUERIES', defaultLimits.queries),
    personMutations: rate('RATE_LIMIT_PERSON_MUTATIONS', defaultLimits.personMutations),
    personQueries: rate('RATE_LIMIT_PERSON_QUERIES', defaultLimits.personQueries),
    unauthenticated: rate('RATE_LIMIT_UNAUTHENTICATED', defaultLimits.unauthenticated),
  };
}
