// A part of rehearse.mjs: the database is lost and restored from a backup, step by step as docs/operating.md says. The backup is a physical one, as
// those of pgBackRest and of cloud providers are: the restored cluster has the same system identifier, and gives transaction ids a second time.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const newestEvent = '{ events(first: 1, orderBy: NEWEST_FIRST) { nodes { id cursor } } }';
const readOrder = `query($id: ID!) { order(id: $id) { status payments { status evidence { source } } } }`;
const logSql = 'select id from events order by epoch, xid, pos';
const dayMs = 86_400_000;
/** The orders that are paid at the same time in each part. */
const ordersCount = 3;
const foundMsMax = 180_000;

export async function rehearseRestore({ say, until, postgres, work, ...at }) {
  const sell = async () => {
    const bought = await Promise.all(Array.from({ length: ordersCount }, at.buy));
    await at.untilPaid(bought);
    return bought;
  };
  const newest = async () => (await at.ask(newestEvent)).events.nodes[0];
  const sql = (text) => postgres.run('psql', '-d', postgres.url, '-v', 'ON_ERROR_STOP=1', '-Atc', text);
  const log = () => sql(logSql).split('\n').filter(Boolean);

  // Two consumers: one stops before the backup, the other one right before the loss.
  const before = await newest();
  await sell();
  const open = await at.begin();
  const beganAt = Date.now();
  postgres.backup();
  say('a backup, while a buyer is on the page of the provider');

  await at.payOn(open);
  await at.untilPaid([open]);
  const lost = await sell();
  const after = await newest();
  const whole = log();
  await at.stopNodes();
  await postgres.lose();
  say(`the buyer pays, and ${lost.length} others do; then the nodes are stopped, and the database is lost`);

  await postgres.restore();
  const restored = log();
  if (restored.includes(after.id)) throw new Error('The backup has what happened after it.');
  sql('update log_state set epoch = epoch + 1');
  await at.startNode(1);
  say(`the backup has ${restored.length} of ${whole.length} events; with the next epoch of the log, node 1 is back`);

  // The payment that the backup has is found at the provider. Its callback was acknowledged and does not come again.
  let paid = null;
  const isFound = async () => {
    paid = (await at.ask(readOrder, { id: open.id })).order;
    return paid.status === 'CONFIRMED';
  };
  await until('the payment that was made after the backup is found', isFound, { withinMs: foundMsMax });
  say(`the payment of the buyer is found at the provider: ${paid.payments[0].evidence.source}`);
  for (const { id } of lost)
    if ((await at.ask(readOrder, { id })).order !== null) throw new Error(`The backup cannot have ${id}.`);

  // The others are unknown here. A day is reconciled when it has ended: for this command it is tomorrow.
  const tomorrow = join(work, 'tomorrow.mjs');
  writeFileSync(tomorrow, `const now = Date.now; Date.now = () => now() + ${dayMs}; ${shiftedDate}`);
  const days = new Set([beganAt, Date.now()].map((ms) => new Date(ms).toISOString().slice(0, 10)));
  const differences = [...days].flatMap((day) => {
    const { stdout, stderr, status } = at.reconcile(day, '--import', pathToFileURL(tomorrow).href);
    if (status !== 0 && status !== 2) throw new Error(`The reconciliation of ${day} failed: ${stderr}`);
    return JSON.parse(stdout).differences;
  });
  const unknown = differences.filter(({ action }) => action === 'UNKNOWN_HERE');
  const said = JSON.stringify(differences);
  const isNamed = ({ paymentId }) => JSON.stringify(unknown).includes(paymentId);
  if (differences.length !== lost.length || !lost.every(isNamed))
    throw new Error(`Not ${lost.length} payments are unknown here: ${said}`);
  say(`npm run reconcile names the ${unknown.length} payments that the backup lacks, and no other difference`);

  await at.startNode(2);
  await sell();
  const now = log();
  const isSame = (ids, wanted) => ids.length === wanted.length && ids.every((id, index) => id === wanted[index]);
  if (!isSame(now.slice(0, restored.length), restored)) throw new Error('The events of the backup have changed.');
  for (const [name, from, wanted] of [
    ['before the backup', before.cursor, now.slice(now.indexOf(before.id) + 1)],
    ['after the backup', after.cursor, now.slice(restored.length)],
  ]) {
    const ids = await at.follow(from, wanted.length);
    if (!isSame(ids, wanted)) throw new Error(`The consumer that stopped ${name} got ${ids}, not ${wanted}.`);
  }
  say(
    `${ordersCount} new orders are paid; consumers with cursors of before and after the backup get every later event once, in order`,
  );
}

/** Makes `new Date()` agree with the shifted `Date.now`. */
const shiftedDate = `globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});`;
