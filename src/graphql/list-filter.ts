import type { PaymentMethod } from '../domain/payment.ts';
import { badUserInput, type GraphqlContext } from './context.ts';

const providersMax = 20;

/** Checks the names of providers in a filter. @throws {GraphQLError} BAD_USER_INPUT. */
export function providersOf(given: readonly string[] | null | undefined): readonly string[] | null {
  if (given == null) return null;
  if (given.length > providersMax) throw badUserInput('filter.provider', `must have at most ${providersMax} names.`);
  const wrong = given.findIndex((name) => !/^[A-Z][A-Z0-9_]{1,31}$/.test(name));
  if (wrong !== -1) throw badUserInput(`filter.provider.${wrong}`, 'is not the name of a provider, such as STRIPE.');
  return given;
}

/** The methods of providers, whose index leads to their payments; null when one of them is not configured. */
export function methodsOf(
  { commands }: Pick<GraphqlContext, 'commands'>,
  providers: readonly string[] | null,
): readonly PaymentMethod[] | null {
  if (providers === null) return null;
  const open = commands.accounts.all();
  const methods = providers.map((name) => open.find((provider) => provider.name === name)?.method ?? null);
  return methods.every((method) => method !== null) ? [...new Set(methods)] : null;
}

/** The methods of payments that are by one of the given methods and at one of the given providers; null for all. */
export function methodsAt(
  context: Pick<GraphqlContext, 'commands'>,
  given: readonly PaymentMethod[] | null,
  providers: readonly string[] | null,
): readonly PaymentMethod[] | null {
  const possible = methodsOf(context, providers);
  if (given === null || possible === null) return given ?? possible;
  return given.filter((method) => possible.includes(method));
}
