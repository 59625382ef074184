import { fanOut } from './fan-out.ts';
import { lifecycle } from './lifecycle.ts';
import type { Bench } from './support/bench.ts';

/** In the order in which `all` runs them. */
export const benches: readonly Bench[] = [lifecycle, fanOut];
