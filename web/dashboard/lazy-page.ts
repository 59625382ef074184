import { type ComponentType, lazy } from 'react';

const retryMs = 2000;

/**
 * A part of the dashboard that is loaded when it is shown first. If it cannot be loaded, because the server is away or has a newer build with other
 * files, the page is loaded again as soon as the server answers.
 */
export function lazyPage<Props>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await load().catch(reloadWhenReachable) }));
}

async function reloadWhenReachable(): Promise<never> {
  for (;;) {
    const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' }).catch(() => null);
    if (answer?.ok === true) break;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  location.reload();
  return new Promise(() => {}); // the page is leaving
}
