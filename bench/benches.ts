import { callbacks } from './callbacks.ts';
import { fanOut } from './fan-out.ts';
import { flood } from './flood.ts';
import { graphql } from './graphql.ts';
import { lifecycle } from './lifecycle.ts';
import type { Bench } from './support/bench.ts';

/** In the order in which `all` runs them. */
export const benches: readonly Bench[] = [lifecycle, callbacks, fanOut, graphql, flood];
