import { describe } from 'vitest';
import { promiseBills } from './contract-bills.ts';
import { promiseCallbacks } from './contract-callbacks.ts';
import { promiseRefunds } from './contract-refunds.ts';
import type { ProviderContract } from './contract-rig.ts';
import { promiseStarting } from './contract-starting.ts';
import { promiseStates } from './contract-states.ts';
import { promiseUnknowns } from './contract-unknowns.ts';

/**
 * The promises that every provider's adapter keeps, each with an id that does not change: C starting, Q asking, X closing, R giving
 * back, U no clear answer, W callbacks, B bills. M, callbacks that were tampered with, is `mutated-callbacks.test.ts`.
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
