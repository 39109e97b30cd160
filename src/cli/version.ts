// `version`: prints the version of the program and of what it runs on.
import { type Terminal, exitCodes } from './terminal.ts';

/** Prints one line. @returns the exit code */
export function printVersion({ out, version }: Terminal): number {
  out(`ecr-pull-secrets ${version} (node ${process.versions.node})\n`);
  return exitCodes.good;
}
