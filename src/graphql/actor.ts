import type { ActorKind as Kind } from '../domain/actor.ts';
import { builder } from './builder.ts';
import { actorOf, type GraphqlContext } from './context.ts';
import { ActorKind } from './enums.ts';
import { isStaff } from './scope.ts';

type ShownActor = { readonly kind: Kind; readonly id: string | null };

export const ActorType = builder.objectRef<ShownActor>('Actor').implement({
  description: 'Who caused a change.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ActorKind, description: 'What the actor is.' }),
    id: t.exposeString('id', {
      nullable: true,
      description:
        'The API key of a MERCHANT (`development` for the development token), the subject of the token of an OPERATOR or a CUSTOMER, the ' +
        'order of a BUYER, or the name of the PROVIDER. Null for SYSTEM, and when the caller is a customer or a buyer and the actor is ' +
        'somebody else.',
    }),
  }),
});

/** An actor as the caller may see it: customers and buyers do not see the ids of others. Null when none is recorded. */
export function shownActor(context: GraphqlContext, kind: Kind | null, id: string | null): ShownActor | null {
  if (kind === null) return null;
  const caller = actorOf(context);
  return { kind, id: isStaff(caller) || id === caller.id ? id : null };
}
