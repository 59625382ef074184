import { tmpdir } from 'node:os';
import type { InProcessResponse } from '../../sandbox/in-process.ts';
import { openDatabase } from '../../src/database/database.ts';
import { Dice } from './dice.ts';
import { BrokenConnectionError } from './life.ts';
import { startLocalNode } from './local-node.ts';
import type { Node, NodeObserver } from './node.ts';
import type { Asked, FromNode, Observed, Told, ToNode } from './wire.ts';

type Outcome = InProcessResponse | 'unanswered' | 'reset';

/** Hosts a node in a separate process with its own pool. After a simulated death it hosts the next node, until it is really killed. */
async function host(databaseUrl: string): Promise<void> {
  const database = await openDatabase({ databaseUrl, dataDir: tmpdir(), migrate: false });
  const send = (message: FromNode): void => {
    process.send?.(message);
  };
  const doors = new Map<number, (outcome: Outcome) => void>();
  let requests = 0;
  let nowMs = 0;
  let current: { readonly number: number; readonly node: Node } | null = null;

  const answerTo = async (number: number, { kind, body }: Asked): Promise<unknown> => {
    if (kind === 'start') {
      const node = await startLocalNode({
        ...{ database, now: () => new Date(nowMs), pauses: body.pauses, dice: new Dice(body.seed, 'pauses') },
        retired: body.retired,
        observer: observerOf((observed) => send({ type: 'observed', node: number, observed })),
        door: (request) => {
          requests += 1;
          const id = requests;
          send({ type: 'door', node: number, id, request });
          return new Promise((resolve) => doors.set(id, resolve));
        },
      });
      current = { number, node };
      return null;
    }
    if (current?.number !== number) throw new BrokenConnectionError();
    const { node } = current;
    switch (kind) {
      case 'call':
        return node.call(body.command, body.actor, body.input);
      case 'receive':
        return node.receive(body).catch((error: unknown) => {
          if (error instanceof BrokenConnectionError) return null;
          throw error;
        });
      case 'sweep':
        return node.sweep();
      case 'watchTail':
        return node.watchTail().then(() => null);
      case 'idle':
        return node.idle().then(() => null);
    }
  };

  process.on('message', (message: ToNode) => {
    nowMs = Math.max(message.nowMs, message.type === 'ask' && message.asked.kind === 'start' ? 0 : nowMs);
    if (message.type === 'door') {
      doors.get(message.id)?.(message.outcome);
      doors.delete(message.id);
    } else if (message.type === 'tell') {
      if (current?.number === message.node) obey(current.node, message.told);
    } else {
      const { id } = message;
      answerTo(message.node, message.asked).then(
        (answer) => send({ type: 'answer', id, answer }),
        (error: unknown) =>
          send({
            type: 'failed',
            id,
            message: error instanceof Error ? (error.stack ?? error.message) : String(error),
          }),
      );
    }
  });
  process.on('SIGINT', () => {}); // Ctrl-C is handled by the parent
  process.on('disconnect', () => process.exit());
  send({ type: 'ready' });
}

function obey(node: Node, { kind, body }: Told): void {
  switch (kind) {
    case 'follow':
      return node.follow(body.subscription, body.scope, body.after);
    case 'unfollow':
      return node.unfollow(body.subscription);
    case 'notify':
      return node.notify(body);
    case 'crashAt':
      return node.crashAt(body.failpoint, body.nth);
    case 'spoil':
      return node.spoil(body.what, body.nth);
    case 'kill':
      void node.kill();
      return;
  }
}

function observerOf(tell: (observed: Observed) => void): NodeObserver {
  return {
    passed: (body) => tell({ kind: 'passed', body }),
    died: (body) => tell({ kind: 'died', body }),
    spoiled: (body) => tell({ kind: 'spoiled', body }),
    complained: (body) => tell({ kind: 'complained', body }),
    heard: (subscription, event) => tell({ kind: 'heard', body: { subscription, event } }),
    notified: (body) => tell({ kind: 'notified', body }),
  };
}

await host(process.argv[2] ?? '');
