import { machineMs } from './clock.ts';

const begin = '"orderNumber":"b-';
let last = 0;

/** An order number that carries the time at which it was made, so that every receiver of its events knows their latency. */
export function timedNumber(): string {
  last += 1;
  return `b-${Math.round(machineMs() * 1000)}-${process.pid}-${last}`;
}

/** The time in the order number of a JSON text, in milliseconds of the machine's clock; null for other orders. */
export function madeAtMs(json: string): number | null {
  const at = json.indexOf(begin);
  if (at === -1) return null;
  const from = at + begin.length;
  return Number(json.slice(from, json.indexOf('-', from))) / 1000;
}
