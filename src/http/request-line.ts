import type { IncomingMessage } from 'node:http';
import { RequestRefusedError } from './refusal.ts';

const absoluteForm = /^https?:\/\/[^/?#]*/i;
const hostAllowed = /^[\w.~!$&'()*+,;=:[\]%-]*$/;

/**
 * Checks the request line and the headers that Node's parser does not check. Reduces an absolute target, which HTTP/1.1 servers must accept,
 * to its path.
 *
 * @returns the path, without query and host.
 * @throws {RequestRefusedError} 400 when the request is not valid HTTP/1.1.
 */
export function readRequestLine(request: IncomingMessage): string {
  const { httpVersion, headers } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw malformed('Send HTTP/1.1.');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    throw malformed('The transfer-encoding header must be chunked, or omitted.');
  }
  requireOneHost(request);
  const target = targetOf(request.url ?? '/');
  request.url = target;
  return target.split('?', 1)[0] ?? '/';
}

/** Closes the connection: after a malformed request, the start of the next one is unknown. */
function malformed(message: string): RequestRefusedError {
  return new RequestRefusedError(400, message, { headers: { connection: 'close' } });
}

function targetOf(url: string): string {
  if (/[^!-~]/.test(url)) throw malformed('Percent-encode the request target: it must be ASCII.');
  const [origin] = absoluteForm.exec(url) ?? [];
  const target = origin === undefined ? url : url.slice(origin.length);
  if (origin !== undefined && !target.startsWith('/')) return `/${target}`;
  if (target === '*' || target.startsWith('/')) return target;
  throw malformed('The request target must be a path, such as /graphql.');
}

/** The last host that was found to be well-formed: most requests name the same one. */
let lastHost = '';

function requireOneHost({ httpVersion, headers, rawHeaders }: IncomingMessage): void {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  if (count > 1) throw malformed('The request has several host headers. Send one.');
  const host = headers.host?.trim() ?? '';
  if (count === 0 && httpVersion === '1.1') throw malformed('The host header is missing.');
  if (host === '' || host === lastHost) return;
  if (!(hostAllowed.test(host) && URL.canParse(`http://${host}`))) {
    throw malformed('The host header is malformed. Send a name or an address, with an optional port.');
  }
  lastHost = host;
}
