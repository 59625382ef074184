import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to the server that breaks when a test wants it to. */
export type FragileLine = {
  readonly url: string;
  /** Breaks all connections. New ones can be made at once. */
  cut(): void;
  /** The connections that are open. */
  readonly count: number;
  close(): Promise<void>;
};

/** @param target where connections lead to; asked for each of them, because a server that was restarted may have another address. */
export async function openFragileLine(target: () => string): Promise<FragileLine> {
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const { hostname, port } = new URL(target());
    const far = connect(Number(port), hostname);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('error', () => other.destroy());
      end.once('close', () => {
        ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const end of ends) end.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    get count() {
      return ends.size / 2;
    },
    async close() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
