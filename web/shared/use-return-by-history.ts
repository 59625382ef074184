import { useEffect } from 'react';

/** Calls back when the browser shows this page again as it was left, by its back button: it is not loaded anew then. */
export function useReturnByHistory(onReturn: () => void): void {
  useEffect(() => {
    const look = ({ persisted }: PageTransitionEvent) => {
      if (persisted) onReturn();
    };
    addEventListener('pageshow', look);
    return () => removeEventListener('pageshow', look);
  }, [onReturn]);
}
