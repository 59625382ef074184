import { type RefObject, useEffect, useRef } from 'react';

export function Spinner() {
  return <span className="spinner" aria-hidden="true" />;
}

/** Set when the first heading of the page has been shown: that one does not take the focus away from where the browser put it. */
let hasShownHeading = false;

/** A heading that takes the focus when its panel replaces another, so that a screen reader and the keyboard go on there. */
export function useFocusedHeading(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hasShownHeading) heading.current?.focus({ preventScroll: true });
    hasShownHeading = true;
  }, []);
  return heading;
}
