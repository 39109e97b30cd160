// The seccomp profile that a container engine uses by default (RuntimeDefault), in the form that runc reads. Taken from the
// containers-common package, which buildah brings: the profile of podman and CRI-O. Used by scripts/image/container.
import { readFile } from 'node:fs/promises';

const file = '/usr/share/containers/seccomp.json';

interface Condition {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
}

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly object[] | null;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

/** As for a container on this machine's architecture that has no capability. */
export async function seccompProfile(): Promise<object> {
  const profile = JSON.parse(await readFile(file, 'utf8')) as {
    defaultAction: string;
    defaultErrnoRet: number;
    syscalls: readonly Rule[];
  };
  const { architecture, runc } =
    process.arch === 'arm64'
      ? { architecture: 'arm64', runc: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] }
      : { architecture: 'amd64', runc: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] };
  // What is excluded for a capability is excluded for nobody here.
  const applies = ({ includes = {} }: Rule) =>
    (includes.arches?.includes(architecture) ?? true) && (includes.caps ?? []).length === 0;
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: runc,
    syscalls: profile.syscalls.filter(applies).map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args && args.length > 0 && { args }),
    })),
  };
}
