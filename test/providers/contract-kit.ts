import { describe } from 'vitest';
import { promiseBills } from './contract-bills.ts';
import { promiseCallbacks } from './contract-callbacks.ts';
import { promiseRefunds } from './contract-refunds.ts';
import type { ProviderContract } from './contract-rig.ts';
import { promiseStarting } from './contract-starting.ts';
import { promiseStates } from './contract-states.ts';
import { promiseUnknowns } from './contract-unknowns.ts';

/**
 * The contract that every adapter must keep. Each promise has a fixed id: C starting, Q querying, X closing, R refunds,
 * U unknown outcomes, W callbacks, B bills. M, modified callbacks, is in `mutated-callbacks.test.ts`.
 */
export function runContractKit(contract: ProviderContract): void {
  describe(contract.name, () => {
    promiseStarting(contract);
    promiseStates(contract);
    promiseRefunds(contract);
    promiseUnknowns(contract);
    promiseCallbacks(contract);
    promiseBills(contract);
  });
}
