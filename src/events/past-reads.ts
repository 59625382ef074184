import type { LoggedEvent, Place } from './log.ts';

/** Events after a place, in log order. The log has no others up to `through`. */
export type Past = { readonly events: readonly LoggedEvent[]; readonly through: Place };

/**
 * Shares the reads of followers that are behind their ring, and remembers the last results: followers that return within seconds of each
 * other with the same cursor need the same events. The results stay correct, because the log is only appended to.
 */
export type PastReads = {
  share(topic: object, { epoch, xid, pos }: Place, read: () => Promise<Past>): Promise<Past>;
};

/** The number of reads whose result a node remembers. */
const rememberedMax = 64;

export function createPastReads(): PastReads {
  const topics = new WeakMap<object, number>();
  const remembered = new Map<string, Promise<Past>>();
  let topicCount = 0;

  function numberOf(topic: object): number {
    const known = topics.get(topic);
    if (known !== undefined) return known;
    topicCount += 1;
    topics.set(topic, topicCount);
    return topicCount;
  }

  return {
    share(topic, { epoch, xid, pos }, read) {
      const name = `${numberOf(topic)} ${epoch}.${xid}.${pos}`;
      const found = remembered.get(name);
      if (found !== undefined) return found;
      const [oldest] = remembered.keys();
      if (remembered.size >= rememberedMax && oldest !== undefined) remembered.delete(oldest);
      const past = read();
      remembered.set(name, past);
      return past;
    },
  };
}
