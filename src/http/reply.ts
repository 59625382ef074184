import type { ServerResponse } from 'node:http';

/** Answers with JSON and ends the response. */
export function replyJson(response: ServerResponse, status: number, body: object): void {
  reply(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

export function reply(response: ServerResponse, status: number, contentType: string, body: string): void {
  // A request that was not read to its end cannot be followed by another on the same connection.
  if (!response.req.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
}
