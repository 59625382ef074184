import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A load balancer: forwards each connection to one of the nodes by turns, or to the next one if that refuses it. */
export type Balancer = {
  readonly url: string;
  /** Cuts every open connection. */
  cutAll(): void;
  close(): Promise<void>;
};

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>();
  let turn = 0;

  function forward(client: Socket, triesLeft: number): void {
    const port = ports[turn++ % ports.length] ?? 0;
    const node = connect(port, '127.0.0.1');
    open.add(node);
    node.once('connect', () => {
      client.pipe(node).pipe(client);
      client.once('close', () => node.destroy());
    });
    node.once('error', () => {});
    node.once('close', () => {
      open.delete(node);
      if (node.bytesRead > 0 || node.bytesWritten > 0 || triesLeft === 0) client.destroy();
      else if (!client.destroyed) forward(client, triesLeft - 1);
    });
  }

  const server = createServer({ pauseOnConnect: true }, (client) => {
    open.add(client);
    client.once('error', () => {});
    client.once('close', () => open.delete(client));
    forward(client, ports.length - 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAll() {
      for (const socket of open) socket.destroy();
    },
    async close() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}
