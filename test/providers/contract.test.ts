import { expect, test } from 'vitest';
import { providerDefinitions } from '../../src/providers/registry.ts';
import { runContractKit } from './contract-kit.ts';
import { contracts } from './contracts.ts';

test('every provider that can be configured keeps the contract', () => {
  expect(contracts.map(({ name }) => name).sort()).toEqual(providerDefinitions.map(({ name }) => name).sort());
});

for (const contract of contracts) runContractKit(contract);
