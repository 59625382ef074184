import { describe, expect, test } from 'vitest';
import { searchOf } from '../support/search.ts';
import { bodyMutations } from './callback-body-mutations.ts';
import { formMutations, jsonMutations } from './callback-content-mutations.ts';
import { headerMutations } from './callback-header-mutations.ts';
import { type Chance, chanceOf, type Mutation, type Sent } from './callback-mutation.ts';
import type { ProviderContract } from './contract-rig.ts';
import { contracts } from './contracts.ts';
import { type Genuine, genuineOf, type Outcome, postToRoute } from './genuine-callbacks.ts';

const mutations = Object.entries<Mutation>({
  ...bodyMutations,
  ...formMutations,
  ...jsonMutations,
  ...headerMutations,
});
// Each mutation has its turn several times.
const { numRuns: mutatedCount, seed } = searchOf(400);

/** What is wrong with an outcome; null when nothing is. Whether two callbacks say the same is judged by none of the adapter’s code. */
function whatIsWrong(
  contract: ProviderContract,
  genuine: readonly Genuine[],
  sent: Sent,
  outcome: Outcome,
): string | null {
  const { status, body, told, error } = outcome;
  const { acknowledgement } = outcome.provider;
  if (error !== null || status >= 500) return `the route failed: ${String(error)}`;
  if (told === null) {
    if (status < 400) return 'refused, and not told so';
    return body.trim() === acknowledgement.body ? 'refused, and acknowledged' : null;
  }
  if (status !== acknowledgement.status || body !== acknowledgement.body) return 'believed, and not acknowledged';
  const content = contract.signedContentOf(sent);
  const original = content === null ? undefined : genuine.find((one) => contract.signedContentOf(one) === content);
  if (original === undefined) return 'believed, and not what was signed';
  expect(told).toEqual(original.told);
  expect(outcome.provider.readWebhook(sent.body, original.receivedAt)).toEqual(original.message);
  return null;
}

/** The first mutation by its turn, so that all of them come; up to two more by chance. */
function chosen(turn: number, chance: Chance): [name: string, mutation: Mutation][] {
  const turns = [turn, ...Array.from({ length: chance.below(3) }, () => chance.below(mutations.length))];
  return turns.flatMap((at) => mutations.slice(at % mutations.length, (at % mutations.length) + 1));
}

describe.each(contracts.map((contract) => [contract.name, contract] as const))('%s', (name, contract) => {
  test('M01 of callbacks that were tampered with, none is believed that says anything else, and none does harm', async () => {
    const { provider, genuine } = await genuineOf(contract);
    for (const one of genuine) {
      const { status, told } = await postToRoute(provider, one, one.receivedAt);
      expect({ status, told }).toEqual({ status: provider.acknowledgement.status, told: one.told });
    }
    const chance = chanceOf(seed);
    const seen = { believed: 0, refused: 0 };
    for (let number = 0; number < mutatedCount; number += 1) {
      const [base, other] = [chance.pick(genuine), chance.pick(genuine)];
      const applied = chosen(number, chance);
      const sent = applied.reduce<Sent>((held, [, mutate]) => mutate(held, chance, other), base);
      const outcome = await postToRoute(provider, sent, base.receivedAt);
      const wrong = whatIsWrong(contract, genuine, sent, outcome);
      if (wrong !== null) {
        const steps = applied.map(([step]) => step).join(', then ');
        const text = JSON.stringify({ ...sent.headers, body: sent.body.toString('latin1', 0, 4000) }, null, 2);
        throw new Error(
          `${name}, seed ${seed}, callback ${number}: ${wrong}, ${outcome.status}, after ${steps}\n${text}`,
        );
      }
      seen[outcome.told === null ? 'refused' : 'believed'] += 1;
    }
    // Neither side is empty: what is written otherwise and says the same is believed.
    expect(seen.refused).toBeGreaterThan(mutatedCount / 2);
    expect(seen.believed).toBeGreaterThan(mutatedCount / 200);
  });

  test('M02 of a genuine callback no byte can be changed by a bit', async () => {
    const { provider, genuine } = await genuineOf(contract, 1);
    const [base] = genuine;
    for (let bit = 0; bit < base.body.length * 8; bit += 7) {
      const body = Buffer.from(base.body);
      const at = Math.floor(bit / 8);
      body.writeUInt8(body.readUInt8(at) ^ (1 << (bit % 8)), at);
      const outcome = await postToRoute(provider, { ...base, body }, base.receivedAt);
      expect(whatIsWrong(contract, genuine, { ...base, body }, outcome)).toBeNull();
    }
  });
});
