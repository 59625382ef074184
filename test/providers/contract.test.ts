import { expect, test } from 'vitest';
import { providerKinds } from '../../src/providers/registry.ts';
import { runContractKit } from './contract-kit.ts';
import { contracts } from './contracts.ts';

test('every provider that can be configured keeps the contract', () => {
  expect(contracts.map(({ name }) => name).sort()).toEqual(providerKinds.map(({ name }) => name).sort());
});

for (const contract of contracts) runContractKit(contract);
