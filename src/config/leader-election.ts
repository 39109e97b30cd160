// The part of the configuration file about leader election: its times must leave room for each other, as client-go demands. Used
// by schema; whether there is an election at all is its first setting.
import * as v from 'valibot';
import { duration, flag, mapping } from './fields.ts';

/** The schema of `leaderElection`. */
export const leaderElection = v.pipe(
  mapping({
    enabled: v.optional(
      v.pipe(flag, v.description('whether replicas agree by a Lease which of them writes')),
      true,
    ),
    leaseDuration: v.optional(
      v.pipe(
        duration('1s', '10m'),
        v.description('how long others wait for a holder that says nothing any more'),
      ),
      '15s',
    ),
    renewDeadline: v.optional(
      v.pipe(duration('1s', '10m'), v.description('how long the holder writes without having renewed it')),
      '10s',
    ),
    retryPeriod: v.optional(
      v.pipe(duration('100ms', '5m'), v.description('between two attempts to take or renew it')),
      '2s',
    ),
  }),
  v.check(
    ({ leaseDuration, renewDeadline, retryPeriod }) =>
      leaseDuration > renewDeadline && renewDeadline > 1.2 * retryPeriod,
    'leaseDuration must be longer than renewDeadline, and that longer than 1.2 × retryPeriod',
  ),
);
