import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import { type OverloadedError, overloadIn } from '../database/database.ts';

const retryDelayMs = 1000;
/**
 * So often may an operation fail while the database answers. Then it may be one that always fails, such as a statement that always takes too
 * long, and its subscribers are cut off. They return with the event still before them, and wait at least so many delays again.
 */
export const attemptsMax = 30;

export type Attempts = {
  /** Null when nobody wants the result any more. */
  readonly attempt: () => Promise<ExecutionResult | null>;
  readonly isWanted: () => boolean;
  /** Called with the last error when the attempts have run out. */
  readonly onGiveUp: (error: OverloadedError) => void;
  readonly pause?: (ms: number) => Promise<unknown>;
};

/**
 * Repeats an execution while the database is away or overloaded.
 *
 * @returns null when nobody wants the result any more, or the attempts have run out.
 */
export async function executePatiently({
  attempt,
  isWanted,
  onGiveUp,
  pause = delay,
}: Attempts): Promise<ExecutionResult | null> {
  let attempts = 0;
  while (isWanted()) {
    const result = await attempt();
    if (result === null) return null;
    const [overload] = overloadsIn(result);
    if (overload === undefined) return result;
    // An attempt that lost its connection, or got none, says nothing about the operation.
    if (overload.keepsConnection) attempts += 1;
    if (attempts >= attemptsMax) {
      onGiveUp(overload);
      return null;
    }
    await pause(retryDelayMs);
  }
  return null;
}

/** Those that the database answered come first. */
export function overloadsIn({ errors = [] }: ExecutionResult): readonly OverloadedError[] {
  const overloads = errors.flatMap(({ originalError }) => overloadIn(originalError) ?? []);
  return overloads.sort((one, other) => Number(other.keepsConnection) - Number(one.keepsConnection));
}
