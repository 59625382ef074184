import type pg from 'pg';
import { beginPiece, isObserved, type Piece } from '../telemetry/observe.ts';
import { overloadIn } from './errors.ts';
import { discardPlansSql } from './planning.ts';

/** Makes every statement on the connection, also Prisma's, a piece that is observed. Its values never are, nor is its text. */
export function observeStatements(client: pg.ClientBase): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  // The driver has many overloads of `query`. They differ only in how the result is returned.
  client.query = ((...args: unknown[]) => {
    // The pool sends this one in the trace of the caller that released the connection.
    if (!isObserved() || args[0] === discardPlansSql) return query(...args);
    const watch = beginPiece(pieceOf(args[0]));
    const end = (error: unknown) => watch.end(!error ? 'done' : overloadIn(error) === null ? 'failed' : 'overloaded');
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      const ending = (error: unknown, ...rest: unknown[]) => {
        end(error);
        return callback(error, ...rest);
      };
      return query(...args.slice(0, -1), ending);
    }
    const answer = query(...args);
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (result: unknown) => {
        end(null);
        return result;
      },
      (error: unknown) => {
        end(error);
        throw error;
      },
    );
  }) as typeof client.query;
}

const verbs = /^\s*(?:\/\*.*?\*\/\s*)?(select|insert|update|delete|with|begin|commit|rollback|checkpoint|vacuum)\b/i;
/** The first table, with or without quotes and schema. */
const tables = /\b(?:from|into|update)\s+(?:only\s+)?(?:"?public"?\.)?"?([a-z_]{1,63})"?/i;

/** Names a statement by its verb and its first table. Texts have no values in them, but names are shorter and fewer. */
function pieceOf(given: unknown): Piece {
  const text = typeof given === 'string' ? given : textOf(given);
  const verb = (verbs.exec(text)?.[1] ?? 'other').toLowerCase();
  const [, table] = tables.exec(text) ?? [];
  const isTransaction = ['begin', 'commit', 'rollback', 'other'].includes(verb);
  return {
    kind: 'statement',
    name: isTransaction || table === undefined ? verb.toUpperCase() : `${verb.toUpperCase()} ${table.toLowerCase()}`,
    labels: { verb },
    attributes: { 'db.system.name': 'postgresql' },
  };
}

function textOf(given: unknown): string {
  const { text } = (given ?? {}) as { readonly text?: unknown };
  return typeof text === 'string' ? text : '';
}
