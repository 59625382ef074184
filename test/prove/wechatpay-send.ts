import type { Send } from '../../src/providers/wechatpay/transport.ts';
import { type Door, unansweredStatus } from './provider-client.ts';

/** Sends the requests of WeChat Pay's adapter through a door. A missing answer fails like `fetch`. */
export function sendThrough(door: Door): Send {
  return async ({ method, url, headers, body }) => {
    const { pathname, search } = new URL(url);
    const outcome = await door({ method, path: `${pathname}${search}`, headers, body });
    if (outcome === 'reset') {
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
      });
    }
    if (outcome === 'unanswered' || outcome.status === unansweredStatus) {
      throw new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    }
    return outcome;
  };
}
