// Waiting that a stop cuts short. Used by the reflectors and the event recorder.
import type { Clock } from '../controller/ports.ts';

/** Resolves after `ms`, or as soon as `signal` aborts. Never fails. */
export async function pause(clock: Pick<Clock, 'setTimer'>, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(ms, end);
    signal.addEventListener('abort', end);
  });
}
