import { type OrderEvent, PaystreamError } from '@paystream/client';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Operation } from '../shared/operation.ts';
import { isPassing, retryMs, useEvents, useLiveState } from './live.ts';
import { useSession } from './session.ts';

export type Loaded<Result> = {
  /** The newest result; that of the earlier variables while the next one is loading. Null before the first. */
  readonly data: Result | null;
  readonly error: PaystreamError | null;
  readonly isLoading: boolean;
  reload(): void;
};

/** A page reloads at most this often by itself, in milliseconds. */
const reloadMsMin = 1000;

/**
 * Reads from the API, again when the variables change, when a lost connection is back, when the read failed with an error that passes while
 * events arrive, and when an event that `when` accepts has arrived.
 *
 * @param when which events change the result. Reads again at most once a second, and always once more after the last event.
 */
export function useQuery<Result, Variables extends object>(
  operation: Operation<Result, Variables>,
  variables: Variables,
  when: (event: OrderEvent, data: Result | null) => boolean = () => false,
): Loaded<Result> {
  const { client, end } = useSession();
  const { connection } = useLiveState();
  const key = JSON.stringify(variables);
  const [state, setState] = useState<Omit<Loaded<Result>, 'reload'>>({ data: null, error: null, isLoading: true });
  const [turn, setTurn] = useState(0);
  const lastMs = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  // biome-ignore lint/correctness/useExhaustiveDependencies(turn): a new turn reads again
  useEffect(() => {
    const ending = new AbortController();
    lastMs.current = performance.now();
    setState((before) => ({ ...before, isLoading: true }));
    client.request(operation as Operation<Result, object>, JSON.parse(key) as object, { signal: ending.signal }).then(
      (data) => {
        if (!ending.signal.aborted) setState({ data, error: null, isLoading: false });
      },
      (error: unknown) => {
        if (ending.signal.aborted) return;
        if (!(error instanceof PaystreamError)) throw error;
        if (error.code === 'UNAUTHENTICATED') return end();
        setState((before) => ({ ...before, error, isLoading: false }));
      },
    );
    return () => ending.abort();
  }, [client, end, operation, key, turn]);

  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const reloadSoon = useCallback(
    (atLeastMs = 0) => {
      if (timer.current !== undefined) return;
      const waitMs = Math.max(atLeastMs, lastMs.current + reloadMsMin - performance.now());
      timer.current = setTimeout(() => {
        timer.current = undefined;
        reload();
      }, waitMs);
    },
    [reload],
  );
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents((events) => {
    if (events.some((event) => when(event, state.data))) reloadSoon();
  });

  const { error } = state;
  useEffect(() => {
    if (connection === 'live' && error !== null && isPassing(error)) reloadSoon(error.retryAfterMs ?? retryMs);
  }, [connection, error, reloadSoon]);
  return { ...state, reload };
}
