import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import { createOrder } from '../support/orders.ts';
import { sendWebhooks } from '../support/settled.ts';
import { startReceiver, verify, type WebhookReceiver } from '../support/webhook-receiver.ts';
import { type DashboardRig, findFaults, finish, openDashboardRig } from './dashboard-rig.ts';

describe.runIf(chromiumPath !== null)('the webhooks page', () => {
  let rig: DashboardRig;
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    [rig, receiver] = [await openDashboardRig(), await startReceiver()];
  });
  afterAll(async () => {
    await rig.close();
    await receiver.close();
  });

  const addEndpoint = async (path: string) => {
    const { made } = await rig.app.client.request<{ made: { endpoint: { id: string } } }>(
      `mutation($url: String!) { made: createWebhookEndpoint(input: { url: $url }) {
        ... on WebhookEndpointSecret { endpoint { id } } } }`,
      { url: `${receiver.url}/${path}` },
    );
    return made.endpoint.id;
  };
  const send = () => sendWebhooks(rig.app);

  test('an endpoint is added, its secret is shown once, and its deliveries appear', async () => {
    const opened = await rig.signedIn('/webhooks', rig.app.token);
    const { page } = opened;
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await dialog.getByLabel('URL').fill('ftp://nowhere.example');
    await dialog.getByRole('button', { name: 'Add endpoint' }).click();
    await dialog.getByText('Enter a complete URL').waitFor();
    await dialog.getByLabel('URL').fill(`${receiver.url}/added`);
    await dialog.getByLabel('Description (optional)').fill('The ledger');
    await dialog.getByRole('button', { name: 'Add endpoint' }).click();
    const secret = await dialog.locator('code').innerText();
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    const panel = page.locator('[data-endpoint]', { hasText: 'The ledger' });
    await panel.getByText('Nothing was sent yet.').waitFor();
    expect(await page.content()).not.toContain(secret);

    const order = await createOrder(rig.app);
    await send();
    const sent = () => receiver.received.filter(({ payload }) => payload.data.orderId === order.id);
    const row = panel.locator('[data-message]').first();
    await row.getByText('Delivered').waitFor();
    await row.getByText('204').waitFor();
    expect(sent().some((message) => isSigned(secret, message))).toBe(true);

    const before = sent().length;
    await row.getByRole('button', { name: 'Send again' }).click();
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await send();
    expect(sent().length).toBe(before + 1);

    await panel.getByRole('button', { name: 'Rotate secret' }).click();
    await dialog.getByRole('button', { name: 'Rotate secret' }).click();
    const next = await dialog.locator('code').innerText();
    expect(next).not.toBe(secret);
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    await panel.getByText('Two secrets until').waitFor();

    await panel.getByRole('button', { name: 'Send events again' }).click();
    await dialog.getByRole('button', { name: 'Send events again' }).click();
    await dialog.getByText('Enter a day and a time.').waitFor();
    await dialog.getByLabel('Since').fill('2020-01-01T00:00');
    await dialog.getByRole('button', { name: 'Send events again' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await panel.locator('[data-replay]').waitFor();
    await send();
    expect(sent().some((message) => isSigned(next, message))).toBe(true);
    await finish(opened);
  });

  test('an endpoint for some events is added, edited and deleted; errors are at their fields', async () => {
    const opened = await rig.signedIn('/webhooks', rig.app.token);
    const { page } = opened;
    const dialog = page.getByRole('dialog');
    const press = (name: string) => dialog.getByRole('button', { name, exact: true }).click();
    const types = dialog.getByRole('checkbox').and(dialog.locator('[name=eventTypes]'));
    const url = dialog.getByLabel('URL');
    const added = async () => {
      const { webhookEndpoints } = await rig.app.client.request<{ webhookEndpoints: { description: string | null }[] }>(
        '{ webhookEndpoints { url description eventTypes ordered } }',
      );
      return webhookEndpoints.find(({ description }) => description?.startsWith('Some events'));
    };

    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await url.fill('shop.example');
    await dialog.getByLabel('Description (optional)').fill('Some events');
    await dialog.getByLabel('Only these events').check();
    const { type } = await rig.app.client.request<{ type: { enumValues: { name: string }[] } }>(
      '{ type: __type(name: "EventType") { enumValues { name } } }',
    );
    const offered = await Promise.all((await types.all()).map((box) => box.getAttribute('value')));
    expect(offered.sort()).toEqual(type.enumValues.map(({ name }) => name).sort());
    await press('Add endpoint');
    await dialog.getByText('Choose at least one event.').waitFor();
    expect(await faultOf(page, url)).toContain('Enter a complete URL');
    await url.fill('https://10.0.0.1/events');
    await dialog.getByLabel('Payment succeeded').check();
    await dialog.getByLabel('Refund succeeded').check();
    await press('Add endpoint');
    await dialog.getByText('must be reachable on the public internet').waitFor();
    expect(await faultOf(page, url)).toBe('It must be reachable on the public internet.');
    await url.fill(`${receiver.url}/some`);
    await press('Add endpoint');
    await press('I have copied it');
    expect(await added()).toEqual({
      ...{ url: `${receiver.url}/some`, description: 'Some events', ordered: true },
      eventTypes: ['PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED'],
    });

    const panel = page.locator('[data-endpoint]', { hasText: 'Some events' });
    await panel.getByText('Payment succeeded, Refund succeeded').waitFor();
    await panel.getByRole('button', { name: 'Edit' }).click();
    expect(await url.inputValue()).toBe(`${receiver.url}/some`);
    await url.fill('https://10.0.0.1/events');
    await dialog.getByLabel('Payment succeeded').uncheck();
    await dialog.getByLabel('Order canceled').check();
    await press('Save');
    await dialog.getByText('The server does not accept the input.').waitFor();
    expect(await faultOf(page, url)).toBe('It must be reachable on the public internet.');
    await url.fill(`${receiver.url}/other`);
    await dialog.getByLabel('Description (optional)').fill('Some events of orders');
    await dialog.getByLabel('one after the other').uncheck();
    await press('Save');
    await dialog.waitFor({ state: 'hidden' });
    await panel.getByText('Order canceled, Refund succeeded').waitFor();
    expect(await added()).toEqual({
      ...{ url: `${receiver.url}/other`, description: 'Some events of orders', ordered: false },
      eventTypes: expect.arrayContaining(['ORDER_CANCELED', 'REFUND_SUCCEEDED']),
    });

    await panel.getByRole('button', { name: 'Edit' }).click();
    await dialog.getByLabel('All events').check();
    await press('Save');
    await panel.getByText('All events').waitFor();
    expect(await added()).toMatchObject({ eventTypes: [] });

    await panel.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText('Its secret and the log of its deliveries are lost.').waitFor();
    await press('Back');
    expect(await added()).toBeDefined();
    await panel.getByRole('button', { name: 'Delete' }).click();
    await press('Delete');
    await panel.waitFor({ state: 'hidden' });
    expect(await added()).toBeUndefined();
    await finish(opened);
  });

  test('an endpoint is paused, gets nothing, and gets everything when it is resumed', async () => {
    const id = await addEndpoint('paused');
    const opened = await rig.signedIn('/webhooks', rig.app.token);
    const { page } = opened;
    const panel = page.locator(`[data-endpoint="${id}"]`);
    const confirm = async (name: string) => {
      await panel.getByRole('button', { name }).click();
      await page.getByRole('dialog').getByRole('button', { name }).click();
    };
    await confirm('Pause');
    await panel.getByText('It was paused by the merchant.').waitFor();
    await createOrder(rig.app);
    await send();
    expect(await panel.locator('[data-message]').count()).toBe(0);
    await confirm('Resume');
    await panel.getByText('Active', { exact: true }).waitFor();
    await send();
    await panel.getByText('Delivered').first().waitFor();
    await finish(opened);
  });

  test('operators send again, and viewers only look', async () => {
    const id = await addEndpoint('roles');
    await createOrder(rig.app);
    await send();
    for (const [role, offered] of [
      ['OPERATOR', ['Send events again', 'Send again']],
      ['VIEWER', []],
    ] as const) {
      const opened = await rig.signedIn('/webhooks', await rig.mint(role, 'olga'));
      const panel = opened.page.locator(`[data-endpoint="${id}"]`);
      await panel.getByText('Delivered').first().waitFor();
      expect(await panel.getByRole('button').allInnerTexts()).toEqual(offered);
      expect(await opened.page.getByRole('button', { name: 'Add endpoint' }).count()).toBe(0);
      await finish(opened);
    }
  });

  test.each([
    ['en-GB', 'light'],
    ['en-GB', 'dark'],
    ['zh-CN', 'light'],
    ['zh-CN', 'dark'],
  ] as const)('in %s, %s, has no barriers and does not overflow', async (locale, colorScheme) => {
    const id = await addEndpoint('barriers');
    await createOrder(rig.app);
    await send();
    const opened = await rig.signedIn('/webhooks', rig.app.token, { locale, colorScheme });
    const { page } = opened;
    await page.locator(`[data-endpoint="${id}"] [data-message]`).first().waitFor();
    const faults = await findFaults(opened);
    await page.locator('.page-head .button').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('radio').last().check();
    await dialog.locator('[type=submit]').click();
    await dialog.locator('.error').waitFor();
    faults.push(...(await findFaults(opened)));
    await page.keyboard.press('Escape');
    await page.locator(`[data-endpoint="${id}"] .button[data-kind=danger]`).click();
    await dialog.waitFor();
    faults.push(...(await findFaults(opened)));
    expect(faults).toEqual([]);
    await finish(opened);
  });
});

/** What the page says about a field that has the focus and is marked as wrong. */
async function faultOf(page: Page, field: Locator): Promise<string> {
  const focused = page.locator('[aria-invalid=true]:focus').and(field);
  const described = (await focused.getAttribute('aria-describedby')) ?? '';
  return page.locator(`[id="${described.split(' ').at(-1)}"]`).innerText();
}

function isSigned(secret: string, message: Parameters<typeof verify>[1]): boolean {
  try {
    verify(secret, message);
    return true;
  } catch {
    return false; // a message to another endpoint has another signature
  }
}
