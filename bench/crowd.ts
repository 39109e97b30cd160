// Many namespaces with their `default` ServiceAccount, made as fast as the API server takes them; and the ways in which the
// bench changes all of them at once.
import type { Stage } from '../rig/stage.ts';
import type { Report } from './report.ts';

const inFlight = 32;

/** Runs `work` for each item, some at a time. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next; index < items.length; index = next) {
      next += 1;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** The namespaces. */
export class Crowd {
  readonly namespaces: readonly string[];
  readonly #stage: Stage;

  private constructor(stage: Stage, namespaces: readonly string[]) {
    this.#stage = stage;
    this.namespaces = namespaces;
  }

  /** Makes them, where they are missing. */
  static async gather(stage: Stage, count: number, report: Report): Promise<Crowd> {
    report.note(`making ${count} namespaces`);
    const names = Array.from({ length: count }, (_, index) => stage.namespaceName(`n${index}`));
    await forAll(names, async (name) => {
      const path = `/api/v1/namespaces/${name}`;
      if ((await stage.admin.get(path)) === undefined) await stage.admin.createNamespace(name);
      while ((await stage.admin.get(`${path}/serviceaccounts/default`)) === undefined);
    });
    return new Crowd(stage, names);
  }

  get size(): number {
    return this.namespaces.length;
  }

  /** Everybody opts in or out. */
  async annotate(enabled: 'true' | null): Promise<void> {
    await forAll(this.namespaces, (name) =>
      this.#stage.admin.annotate(name, { 'ecr-pull-secrets/enabled': enabled }),
    );
  }

  /** No Secret, nothing attached: as before a first fill. */
  async clear(secretName: string): Promise<void> {
    await this.annotate(null);
    await forAll(this.namespaces, async (name) => {
      const path = `/api/v1/namespaces/${name}`;
      await this.#stage.admin.request({ method: 'DELETE', path: `${path}/secrets/${secretName}` });
      await this.#stage.admin.request({
        method: 'PATCH',
        path: `${path}/serviceaccounts/default`,
        body: { imagePullSecrets: null },
        contentType: 'application/merge-patch+json',
      });
    });
  }
}
