import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { discardPlansSql } from '../../src/database/planning.ts';
import type { Turn } from './bench.ts';
import { machineMs } from './clock.ts';
import { type BenchDatabase, makeDatabase } from './database.ts';

type Count = { readonly statements: number; readonly seconds: number };

/** Counts the statements that reach PostgreSQL: a proxy that reads the messages of the protocol. It needs no extension of the server. */
export type StatementCounter = {
  /** The database by way of the proxy. `pool` goes to the server itself. */
  readonly database: BenchDatabase;
  readonly total: () => number;
  /** Counts while `work` runs, and for at least `windowMs`. */
  during(windowMs: number, work?: () => Promise<void>): Promise<Count>;
};

export async function countStatements(turn: Turn): Promise<StatementCounter> {
  const database = await makeDatabase(turn);
  const target = new URL(database.url);
  let statements = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    const read = statementReader(() => {
      statements += 1;
    });
    client.on('data', read);
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  turn.scope.keep({
    close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  });
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    database: { ...database, url: url.href },
    total: () => statements,
    async during(windowMs, work = async () => undefined) {
      const [before, beganMs] = [statements, machineMs()];
      await Promise.all([work(), delay(windowMs)]);
      return { statements: statements - before, seconds: (machineMs() - beganMs) / 1000 };
    },
  };
}

const sslRequestCode = 80_877_103;
const [simpleQuery, execute] = ['Q'.charCodeAt(0), 'E'.charCodeAt(0)];
/** A connection gives up its plans from time to time, whatever it is used for. It comes in a message of its own. */
const discardPlans = Buffer.from(`${discardPlansSql}\0`);

/**
 * Reads what a client sends to PostgreSQL in pieces of any size, and reports each statement: a Query or an Execute message. Giving up plans is
 * not counted.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function statementReader(report: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isStarted = false;
  let toSkip = 0;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const skipped = Math.min(toSkip, rest.length);
      rest = rest.subarray(skipped);
      toSkip -= skipped;
      if (toSkip > 0) return;
      if (!isStarted) {
        // The start-up message and the request for TLS have no type: a length and a code.
        if (rest.length < 8) return;
        isStarted = rest.readInt32BE(4) !== sslRequestCode;
        toSkip = rest.readInt32BE(0);
        continue;
      }
      if (rest.length < 5) return;
      const type = rest[0];
      const size = 1 + rest.readInt32BE(1);
      if (type === simpleQuery && size === 5 + discardPlans.length) {
        if (rest.length < size) return;
        if (!rest.subarray(5, size).equals(discardPlans)) report();
      } else if (type === simpleQuery || type === execute) report();
      toSkip = size;
    }
  };
}
