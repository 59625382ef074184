import type { Payment } from '../../src/domain/payment.ts';
import type { LogPosition } from '../../src/events/cursor.ts';
import { logStart, readLogEnd } from '../../src/events/log.ts';
import type { Buyer } from './buyer.ts';
import type { Answer } from './node.ts';
import { clearFaults, type Scene } from './scene.ts';
import { isKeyed, type Step } from './schedule.ts';

/** Performs a step, if its subject exists. */
export async function perform(scene: Scene, step: Step): Promise<void> {
  const { tally } = scene;
  const isDone = await act(scene, step);
  tally.count('steps', step.kind);
  if (!isDone) tally.count('steps with nothing to do', step.kind);
}

/** False when the subject does not exist. */
async function act(scene: Scene, step: Step): Promise<boolean> {
  const { world, clients, subscribers, tally } = scene;
  switch (step.kind) {
    case 'create':
    case 'pay':
    case 'capture':
    case 'refund':
      return note(scene, step, await clients.call(step));
    case 'cancelOrder':
    case 'cancelPayment':
    case 'refresh':
    case 'resolve':
      return note(scene, step, await callOnce(scene, step));
    case 'buy':
    case 'open':
    case 'leave':
    case 'authenticate':
    case 'console':
      return actAtProvider(scene, step);
    case 'redeliver':
      return redeliver(scene, step.nth);
    case 'follow':
      return follow(scene, step);
    case 'fault':
      for (const rule of step.rules) {
        tally.count('faults', rule.fault);
        await world.sandbox.control('/control/faults', rule);
      }
      break;
    case 'clearFaults':
      await clearFaults(scene, false);
      break;
    case 'pass':
      await world.pass(step.ms);
      break;
    case 'sweep':
      await world.node(step.node).sweep();
      break;
    case 'kill':
      await world.node(step.node).kill();
      break;
    case 'retire':
      return world.configure(step.method);
    case 'restore':
      return world.configure(null);
    case 'crash':
      world.nodeToSpoil(step.node).crashAt(step.failpoint, step.nth);
      break;
    case 'spoil':
      world.nodeToSpoil(step.node).spoil(step.what, step.nth);
      break;
    case 'hangUp':
      subscribers.hangUp(step.subscriber);
      break;
    case 'comeBack':
      subscribers.comeBack(step.subscriber, step.node);
      break;
    case 'together':
      await Promise.all(step.steps.map((one) => perform(scene, one)));
      break;
  }
  return true;
}

/** Makes a call that needs no key because it is idempotent. Null when its subject does not exist yet. */
async function callOnce(
  { clients, names, buyer }: Scene,
  step: Extract<Step, { kind: 'cancelOrder' | 'cancelPayment' | 'refresh' | 'resolve' }>,
): Promise<Answer | null> {
  if (step.kind === 'cancelPayment' || step.kind === 'refresh') {
    const payment = names.payment(step.order, step.payment);
    if (payment === null) return null;
    return clients.callOnce(step.kind === 'refresh' ? 'refreshPayment' : 'cancelPayment', step.node, payment.id);
  }
  const order = names.order(step.order);
  if (order === null) return null;
  const { id: orderId, reviewReasons: reasons } = order;
  if (step.kind === 'cancelOrder') {
    return clients.callOnce('cancelOrder', step.node, { orderId, reason: 'changed my mind' });
  }
  if (reasons.length === 0) return null;
  const latePayment = reasons.includes('LATE_PAYMENT') ? step.latePayment : null;
  const facts = step.tellsFacts ? buyer.factsOf(names.snapshot, orderId) : {};
  return clients.callOnce('resolveReview', step.node, { orderId, reasons, latePayment, ...facts, ...operator });
}

const operator = { note: 'Looked at the console.' } as const;

async function actAtProvider(
  { buyer, names, tally }: Scene,
  step: Extract<Step, { kind: 'buy' | 'open' | 'leave' | 'authenticate' | 'console' }>,
): Promise<boolean> {
  const payment = names.payment(step.order, step.payment);
  if (payment === null) return false;
  const isDone = await doAtProvider(buyer, payment, step);
  const what = step.kind === 'console' ? step.deed : step.kind;
  if (isDone) tally.count(`at ${payment.provider}`, what);
  return isDone;
}

function doAtProvider(
  buyer: Buyer,
  payment: Payment,
  step: Extract<Step, { kind: 'buy' | 'open' | 'leave' | 'authenticate' | 'console' }>,
): Promise<boolean> {
  if (step.kind === 'buy') return buyer.act(payment, { kind: 'pay', card: step.card }, step.page);
  if (step.kind === 'authenticate') return buyer.authenticate(payment, step.passes);
  if (step.kind === 'console') return buyer.manage(payment, step.deed, step.share);
  return buyer.act(payment, { kind: step.kind }, 'newest');
}

/** Records an answer. A call without an answer, or with a retryable error, is repeated later. */
function note({ tally, trace, failedAnswers, toRepeat }: Scene, step: Step, answer: Answer | null): boolean {
  if (answer === null) return false;
  const { kind } = answer;
  trace(`${step.kind} was answered: ${JSON.stringify(answer)}`);
  tally.count(`answers to ${step.kind}`, kind === 'refused' ? answer.code : kind);
  if (kind === 'failed') failedAnswers.push(`${step.kind} was answered with an internal error: ${answer.message}`);
  const isUnheard = kind === 'broken' || kind === 'failed';
  const isToBeRepeated = isUnheard || (kind === 'refused' && answer.code === 'PROVIDER_UNAVAILABLE');
  if (isToBeRepeated && isKeyed(step)) toRepeat.push(step);
  return true;
}

/** The provider sends a callback again. */
async function redeliver({ world }: Scene, nth: number): Promise<boolean> {
  const sent = (await world.callbacksAtSandbox()).filter(({ attempts }) => attempts.length > 0);
  const chosen = sent[nth % sent.length];
  if (chosen === undefined) return false;
  await world.sandbox.request({ method: 'POST', path: `/control/deliveries/${chosen.id}/redeliver` });
  return true;
}

async function follow(scene: Scene, step: Extract<Step, { kind: 'follow' }>): Promise<boolean> {
  const { subscribers, names, merchantId } = scene;
  const { subscriber, node, types } = step;
  const orderId = step.order === null ? null : names.orderId(step.order);
  if (subscribers.has(subscriber) || (step.order !== null && orderId === null)) return false;
  subscribers.begin(subscriber, node, { merchantId, orderId, types }, await placeAt(scene, step.from));
  return true;
}

async function placeAt({ history, pool }: Scene, from: number): Promise<LogPosition> {
  if (from === 1) return readLogEnd(pool);
  return from === 0 ? logStart : (history.events[Math.floor(from * history.events.length)] ?? logStart);
}
