import { WebSocket } from 'ws';
import { merchantEventsText } from './graphql.ts';

/**
 * Opens a WebSocket that follows the events of a merchant, as graphql-transport-ws. Resolves when the subscription is sent.
 *
 * @param receive gets each later message of the server as text.
 */
export function openSubscription(
  { url, token, after }: { readonly url: string; readonly token: string; readonly after: string },
  receive: (json: string) => void,
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      ...{ perMessageDeflate: false, skipUTF8Validation: true },
    });
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`The server closed a new socket with ${code}.`)));
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
    );
    socket.once('message', (first) => {
      if (!String(first).includes('connection_ack')) {
        socket.terminate();
        return reject(new Error(`No connection_ack: ${first}`));
      }
      socket.on('message', (data: Buffer) => receive(data.toString('latin1')));
      const payload = { query: merchantEventsText, variables: { after } };
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }), () => {
        socket.off('error', reject);
        socket.on('error', () => undefined); // its close follows
        resolve(socket);
      });
    });
  });
}
