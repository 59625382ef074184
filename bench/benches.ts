import { callbacks } from './callbacks.ts';
import { dashboard } from './dashboard.ts';
import { fanOut } from './fan-out.ts';
import { flood } from './flood.ts';
import { followers } from './followers.ts';
import { graphql } from './graphql.ts';
import { history } from './history.ts';
import { idle } from './idle.ts';
import { lifecycle } from './lifecycle.ts';
import { overload } from './overload.ts';
import { reconnect } from './reconnect.ts';
import { start } from './start.ts';
import type { Bench } from './support/bench.ts';
import { webhooks } from './webhooks.ts';

/** In the order in which `all` runs them. */
export const benches: readonly Bench[] = [
  ...[lifecycle, callbacks, fanOut, reconnect, followers, history],
  ...[graphql, start, idle, flood, overload, webhooks, dashboard],
];
