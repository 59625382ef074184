/**
 * Loads the page again when its address gets a fragment that it reads at its start, as when a link with a token is opened in a tab that shows
 * the page already: browsers only change the address then, and the token would stay in it.
 *
 * @param isRead tells such a fragment, which begins with `#`, from a place within the page.
 */
export function reloadOnFragment(isRead: (fragment: string) => boolean): void {
  addEventListener('hashchange', () => {
    if (isRead(location.hash)) location.reload();
  });
}
