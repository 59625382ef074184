import { createPaystreamClient } from '@paystream/client';
import { mount } from '../shared/mount.tsx';
import { reloadOnFragment } from '../shared/reload-on-fragment.ts';
import './checkout.css';
import { CheckoutPage } from './checkout-page.tsx';
import { openLink, readFragment } from './link.ts';
import { MissingPage } from './messages.tsx';

/** In place of a storage that the browser forbids. The page works without one, until it is reloaded. */
const forgetful = { getItem: () => null, removeItem: () => undefined, setItem: () => undefined };

// Before anything else runs, the token leaves the address bar.
const link = openLink(location, history, { tab: storageOr('sessionStorage'), device: storageOr('localStorage') });

reloadOnFragment((fragment) => readFragment(fragment) !== null);
if (link === null) mount(<MissingPage />);
else mount(<CheckoutPage link={link} client={createPaystreamClient({ url: '/graphql', token: link.token })} />);

/** A browser that forbids storage throws when it is touched. */
function storageOr(name: 'sessionStorage' | 'localStorage') {
  try {
    const storage = window[name];
    storage.getItem('paystream.probe');
    return storage;
  } catch {
    return forgetful;
  }
}
