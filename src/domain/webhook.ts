import { after } from './clock.ts';
import type { EventType } from './event.ts';

export const webhookEndpointStatuses = ['ACTIVE', 'PAUSED'] as const;
export type WebhookEndpointStatus = (typeof webhookEndpointStatuses)[number];

export const webhookPauseReasons = ['REQUESTED', 'FAILING', 'GONE'] as const;
export type WebhookPauseReason = (typeof webhookPauseReasons)[number];

export const webhookMessageStatuses = ['PENDING', 'DELIVERED', 'FAILED'] as const;
export type WebhookMessageStatus = (typeof webhookMessageStatuses)[number];

/** A URL of a merchant that gets the merchant's events. */
export type WebhookEndpoint = {
  /** `whe_…` */
  readonly id: string;
  readonly merchantId: string;
  readonly url: string;
  readonly description: string | null;
  /** Empty for all types. */
  readonly eventTypes: readonly EventType[];
  /** Whether an event waits until the earlier events of its order are delivered. */
  readonly ordered: boolean;
  readonly status: WebhookEndpointStatus;
  /** Null while ACTIVE. */
  readonly pauseReason: WebhookPauseReason | null;
  readonly pausedAt: Date | null;
  /** Until then messages are signed with the previous secret too; null when there is none. */
  readonly previousSecretUntil: Date | null;
  /** The number of messages that failed since the last success, and the time of the first failure. */
  readonly failures: number;
  readonly failingSince: Date | null;
  /** No attempt is made before; null while the endpoint answers. */
  readonly retryAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** How long an endpoint or a message is tried before somebody has to look at it. */
export const webhookPatienceMs = 72 * hourMs;

/** The distances between the attempts of one message. The last one repeats. */
const delaysMs: readonly number[] = [
  ...[5 * secondMs, 30 * secondMs, 2 * minuteMs, 10 * minuteMs, 30 * minuteMs],
  ...[hourMs, 2 * hourMs, 4 * hourMs, 6 * hourMs],
];
/** Distances vary by so much either way, so that messages that failed together are not tried together again. */
const jitter = 0.2;

/** After so many messages failed in a row the endpoint counts as down: one message at a time finds out whether it is up again. */
export const failuresUntilDown = 8;
const probeDelayMsMin = 5 * secondMs;
const probeDelayMsMax = hourMs;
/** The longest wait that an endpoint may ask for by `Retry-After`. */
export const retryAfterMsMax = hourMs;

/** What the attempts of an endpoint are judged by. */
export type WebhookRecord = Pick<WebhookEndpoint, 'failures' | 'failingSince'>;

/** The effect of a failed attempt. */
export type FailureEffect = {
  /** The state of the message: tried again at `nextAttemptAt`, or FAILED, which only a person changes. */
  readonly status: 'PENDING' | 'FAILED';
  readonly nextAttemptAt: Date | null;
  /** The endpoint's record with this failure. */
  readonly failures: number;
  readonly failingSince: Date;
  /** Before then the endpoint gets nothing; null while single messages fail. */
  readonly retryAt: Date | null;
  /** Not null when the endpoint is to be paused. Its messages stay PENDING. */
  readonly pause: WebhookPauseReason | null;
};

export type FailedAttempt = {
  readonly at: Date;
  /** The status of the answer; null without one. */
  readonly responseStatus: number | null;
  /** The wait that the endpoint asked for; 0 for none. */
  readonly retryAfterMs: number;
  /** The attempts of the message, with this one, and the time of the first. */
  readonly attempts: number;
  readonly firstAttemptAt: Date;
};

/**
 * Decides about a message and its endpoint after a failed attempt. An endpoint that has answered nothing well for three days is paused, and
 * its messages wait. If the endpoint takes other messages, the one that has failed for three days is FAILED.
 *
 * @param chance a number from 0 to 1, for the jitter.
 */
export function afterFailure(record: WebhookRecord, attempt: FailedAttempt, chance: number): FailureEffect {
  const { at, responseStatus, attempts, firstAttemptAt } = attempt;
  const failingSince = record.failingSince ?? at;
  // A message that fails again tells nothing new about the endpoint: it may be the message that the endpoint cannot take.
  const isNews = attempts === 1 || firstAttemptAt < failingSince;
  const failures = record.failures + (isNews ? 1 : 0);
  const failingMs = at.getTime() - failingSince.getTime();
  const vary = (ms: number) => Math.round(ms * (1 - jitter + 2 * jitter * chance));
  const waitMs = Math.min(attempt.retryAfterMs, retryAfterMsMax);
  const delayMs = delaysMs[Math.min(attempts, delaysMs.length) - 1] ?? 0;
  const pause = responseStatus === 410 ? 'GONE' : failingMs >= webhookPatienceMs ? 'FAILING' : null;
  const isDown = failures >= failuresUntilDown || waitMs > 0;
  // Growing with the outage: half as long again each time.
  const probeMs = Math.min(Math.max(failingMs / 2, probeDelayMsMin), probeDelayMsMax);
  const isGivenUp = pause === null && at.getTime() - firstAttemptAt.getTime() >= webhookPatienceMs && !isDown;
  return {
    status: isGivenUp ? 'FAILED' : 'PENDING',
    nextAttemptAt: isGivenUp ? null : after(at, Math.max(vary(delayMs), waitMs)),
    failures,
    failingSince,
    retryAt: isDown ? after(at, Math.max(vary(probeMs), waitMs)) : null,
    pause,
  };
}
