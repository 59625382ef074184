import type { Schedule, Step } from './schedule.ts';

/** Formats a schedule for people, with its steps numbered from 1. */
export function describeSchedule({ seed, latePaymentPolicy, orders, weather, steps }: Schedule): string[] {
  const said = Object.entries(weather).map(([name, value]) => `${name} ${value}`);
  return [
    `schedule ${seed}: late payments ${latePaymentPolicy}; ${said.join(', ')}`,
    ...orders.map(
      ({ currency, amountMinor, captureMode, expiresInSeconds, method }, index) =>
        `order ${index}: ${amountMinor} ${currency}, ${captureMode}, by ${method}, expires in ${expiresInSeconds} s`,
    ),
    ...steps.map((step, index) => `${index + 1}. ${describeStep(step)}`),
  ];
}

export function describeStep(step: Step): string {
  if (step.kind === 'together') return `together: ${step.steps.map(describeStep).join(' | ')}`;
  const { kind, ...rest } = step;
  const said = Object.entries(rest)
    .filter(([, value]) => value !== false && value !== null)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  return `${kind} ${said.join(', ')}`;
}
