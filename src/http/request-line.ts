import type { IncomingMessage } from 'node:http';
import { RequestRefusedError } from './refusal.ts';

const absoluteForm = /^https?:\/\/[^/?#]*/i;
const hostAllowed = /^[\w.~!$&'()*+,;=:[\]%-]*$/;

/**
 * Checks what the parser lets through, before anything is made of the request. An absolute target is reduced to its path, as a server
 * must understand one.
 *
 * @returns the path, with neither query nor host.
 * @throws {RequestRefusedError} 400 for whatever cannot be answered as HTTP/1.1.
 */
export function readRequestLine(request: IncomingMessage): string {
  const { httpVersion, headers } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw malformed('Send HTTP/1.1.');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    throw malformed('transfer-encoding must be chunked, or left out.');
  }
  requireOneHost(request);
  const target = targetOf(request.url ?? '/');
  // Later readers get the same.
  request.url = target;
  return target.split('?', 1)[0] ?? '/';
}

/** Where one request is malformed, nobody knows where the next one begins. */
function malformed(message: string): RequestRefusedError {
  return new RequestRefusedError(400, message, { headers: { connection: 'close' } });
}

function targetOf(url: string): string {
  if (/[^!-~]/.test(url)) throw malformed('Percent-encode the request target: it must be ASCII.');
  const [origin] = absoluteForm.exec(url) ?? [];
  const target = origin === undefined ? url : url.slice(origin.length);
  if (origin !== undefined && !target.startsWith('/')) return `/${target}`;
  if (target === '*' || target.startsWith('/')) return target;
  throw malformed('The request target must be a path: /graphql.');
}

function requireOneHost({ httpVersion, headers, rawHeaders }: IncomingMessage): void {
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  if (count > 1) throw malformed('There must be one host header.');
  const host = headers.host?.trim() ?? '';
  if (count === 0 && httpVersion === '1.1') throw malformed('The host header is missing.');
  if (host !== '' && !(hostAllowed.test(host) && URL.canParse(`http://${host}`))) {
    throw malformed('The host header is malformed: it is a name or an address, and a port.');
  }
}
