import { useEffect, useState } from 'react';

/** A difference below this is the time that the answer took. */
const differenceMsMin = 5000;

/** How far the server's clock is ahead of this device's, in milliseconds: 0 until it has answered, or when both agree. */
export function useServerOffset(): number {
  const [offsetMs, setOffset] = useState(0);
  useEffect(() => {
    const asking = new AbortController();
    fetch('/healthz', { method: 'HEAD', cache: 'no-store', signal: asking.signal })
      .then(({ headers }) => {
        const difference = Date.parse(headers.get('date') ?? '') - Date.now();
        if (Math.abs(difference) >= differenceMsMin) setOffset(difference);
      })
      .catch(() => undefined); // then the device's clock has to do
    return () => asking.abort();
  }, []);
  return offsetMs;
}

/** The whole seconds until a time on the server's clock, not below 0. It changes once a second. */
export function useSecondsUntil(time: string, offsetMs: number): number {
  const secondsNow = () => Math.max(0, Math.ceil((Date.parse(time) - Date.now() - offsetMs) / 1000));
  const [, tick] = useState(0);
  const seconds = secondsNow();
  const isOver = seconds === 0;
  useEffect(() => {
    if (isOver) return;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [isOver]);
  return seconds;
}

/** `29:05`, `1:05:00`, or `2 d` from two days on. */
export function clockText(seconds: number, formatUnit: (days: number) => string): string {
  const days = Math.floor(seconds / 86_400);
  if (days >= 2) return formatUnit(days);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
