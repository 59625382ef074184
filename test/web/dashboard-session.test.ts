import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { openWebPage } from '../support/web-page.ts';
import { type DashboardRig, finish, openDashboardRig } from './dashboard-rig.ts';

describe.runIf(chromiumPath !== null)('the dashboard, from the sign-in to the end of a session', () => {
  let rig: DashboardRig;
  beforeAll(async () => {
    rig = await openDashboardRig();
  });
  afterAll(() => rig.close());

  test('a token that expires ends the session of a page that asks for nothing', async () => {
    const opened = await rig.signedIn('/webhooks', await rig.mint('VIEWER', 'vera', 60), {
      expected: [/status of 401/, /WebSocket/],
    });
    const { page } = opened;
    rig.app.clock.advance(61_000);
    await rig.app.app.rounds.endRevoked();
    await page.getByText('You have been signed out').waitFor();
    await page.getByLabel('Token').fill(rig.app.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Webhooks' }).waitFor();
    await finish(opened);
  });

  test('a sign-in link that is opened in a tab with the dashboard signs in, and the token leaves the address', async () => {
    const opened = await openWebPage(rig.browser);
    const { page } = opened;
    await page.goto(rig.at(''));
    await page.getByLabel('Token').waitFor();
    for (const token of [rig.app.token, await rig.mint('VIEWER', 'vera')]) {
      await page.goto(`${rig.at('')}#token=${token}`);
      await page.getByText('Live', { exact: true }).waitFor();
      expect(page.url()).toBe(rig.at(''));
    }
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByText('vera').waitFor();
    await finish(opened);
  });
});
