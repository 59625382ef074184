import { type RefObject, useEffect } from 'react';

/** Names the page in the tab of the browser. Null leaves that to a part of the page, which knows more. */
export function usePageTitle(title: string | null): void {
  useEffect(() => {
    if (title !== null) document.title = `${title} · Paystream`;
  }, [title]);
}

/** Set when the first page has been shown: that one does not take the focus away from where the browser put it. */
let hasShownPage = false;

/** Moves the focus to a page that replaces another, so that a screen reader and the keyboard go on there. */
export function usePageFocus(element: RefObject<HTMLElement | null>, page: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies(page): another page is shown
  useEffect(() => {
    if (hasShownPage) element.current?.focus();
    hasShownPage = true;
  }, [element, page]);
}
