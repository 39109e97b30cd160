// `version`: prints the version of the program and of the Node that it runs on. Needs neither cluster nor configuration.
import { type Terminal, exitCodes } from './terminal.ts';

/** Prints one line. @returns the exit code */
export function printVersion({ out, version }: Terminal): number {
  out(`ecr-pull-secrets ${version} (node ${process.versions.node})\n`);
  return exitCodes.good;
}
