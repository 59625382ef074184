import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { ReadVariable } from './providers/provider.ts';
import { samplers, type TelemetrySettings, type TracingSettings } from './telemetry/settings.ts';
import { choiceOf, countOf, portOf } from './variables.ts';

/** Reads the standard variables of OpenTelemetry, and METRICS_PORT. Without them both are off. */
export function telemetryOf(at: ReadVariable, violations: string[]): TelemetrySettings {
  const isServed = at('METRICS_PORT') !== null;
  const host = at('METRICS_HOST') ?? '127.0.0.1';
  if (!isServed && at('METRICS_HOST') !== null) violations.push('METRICS_HOST is set without METRICS_PORT: set both.');
  if (!/^[\da-z.:_-]{1,253}$/i.test(host)) violations.push('METRICS_HOST must be an IP address or a host name.');
  const port = portOf(at, 'METRICS_PORT', 0, violations);
  return { tracing: tracingOf(at, violations), metrics: isServed ? { host, port } : null };
}

function tracingOf(at: ReadVariable, violations: string[]): TracingSettings | null {
  const isDisabled = choiceOf(at, 'OTEL_SDK_DISABLED', ['true', 'false'], 'false', violations) === 'true';
  const url = urlOf(at, violations);
  const exporter = choiceOf(at, 'OTEL_TRACES_EXPORTER', ['otlp', 'none'], url === null ? 'none' : 'otlp', violations);
  const sampler = choiceOf(at, 'OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on', violations);
  // Both are sent as JSON, which every collector takes at the address of the other.
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    choiceOf(at, name, ['http/json', 'http/protobuf'], 'http/json', violations);
  const settings: TracingSettings = {
    url: url ?? 'http://localhost:4318/v1/traces',
    headers: {
      ...headersOf(at, 'OTEL_EXPORTER_OTLP_HEADERS', violations),
      ...headersOf(at, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', violations),
    },
    timeoutMs: countOf(at, 'OTEL_EXPORTER_OTLP_TIMEOUT', { fallback: 10_000, min: 1, max: 600_000 }, violations),
    serviceName: at('OTEL_SERVICE_NAME') ?? 'paystream',
    resource: listOf(at, 'OTEL_RESOURCE_ATTRIBUTES', violations),
    ...{ sampler, ratio: ratioOf(at, violations) },
  };
  return isDisabled || exporter === 'none' ? null : settings;
}

function urlOf(at: ReadVariable, violations: string[]): string | null {
  const name = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].find((each) => at(each) !== null);
  const given = name === undefined ? null : at(name);
  if (given === null) return null;
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    violations.push(`${name} must be a URL that starts with http:// or https://.`);
    return null;
  }
  return name === 'OTEL_EXPORTER_OTLP_ENDPOINT' ? `${given.replace(/\/+$/, '')}/v1/traces` : given;
}

function ratioOf(at: ReadVariable, violations: string[]): number {
  const name = 'OTEL_TRACES_SAMPLER_ARG';
  const given = at(name);
  if (given === null) return 1;
  const ratio = /^(0|1|[01]?\.\d{1,9})$/.test(given) ? Number(given) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  violations.push(`${name} must be a number from 0 to 1.`);
  return 1;
}

/** Each export with a header that Node refuses would fail. The violation does not repeat the value, which may be a token. */
function headersOf(at: ReadVariable, name: string, violations: string[]): Readonly<Record<string, string>> {
  const headers = listOf(at, name, violations);
  for (const [header, value] of Object.entries(headers)) {
    try {
      validateHeaderName(header);
      validateHeaderValue(header, value);
    } catch {
      violations.push(
        `${name} has a header that HTTP does not allow: write its name in ASCII, and its value in one line.`,
      );
      return {};
    }
  }
  return headers;
}

/** Reads `name=value,name=value` with URL-encoded values. The violation does not repeat the text, which may hold a token. */
function listOf(at: ReadVariable, name: string, violations: string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const part of at(name)?.split(',') ?? []) {
    const [, key, value] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const decoded = value === undefined ? null : decode(value);
    if (key === undefined || decoded === null) {
      violations.push(`${name} must be a list of the form name=value,name=value with URL-encoded values.`);
      return {};
    }
    found[key] = decoded;
  }
  return found;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
