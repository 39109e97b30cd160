// Everything that the program ever has to ask of the API server, done once: what rights.test.ts takes rights away from. Each
// deed waits for what it is to bring about, so that it fails where it does not come. Changes as admin, like people do.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import type { Stage } from '../../rig/stage.ts';
import { systemClock } from '../../src/app.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import { EventRecorder } from '../../src/kubernetes/events.ts';
import { connectByKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { secretProjector } from '../../src/kubernetes/views.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { aSecret, aServiceAccount } from '../support/views.ts';
import { eventsOf, outcomesIn, pullSecretsOf, readSecret } from './observe.ts';

/** The configuration that needs every right. */
export const everyWish = { identity: { serviceAccounts: ['puller'] }, formerSecretNames: ['rights-former'] };

/** How long a deed may take, in ms. */
const limit = 30_000;

/** The deeds of one run, in one namespace but for what takes two. */
export class Deeds {
  readonly #stage: Stage;
  readonly #namespace: string;
  readonly #neighbour: string;
  readonly #signal: AbortSignal;

  /** @param signal ends the run wherever it is */
  constructor(stage: Stage, [namespace, neighbour]: readonly [string, string], signal: AbortSignal) {
    this.#stage = stage;
    this.#namespace = namespace;
    this.#neighbour = neighbour;
    this.#signal = signal;
  }

  /** Nothing is left of a run before: no wish, no Secret but one of a former name, nothing attached, no Lease. */
  async prepare(): Promise<void> {
    const { admin, secretName, installation, instance } = this.#stage;
    const none = { enabled: null, 'identity-service-account': null, 'attach-to': null };
    await this.#wish(none);
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${installation.namespace}/leases/${instance}`;
    for (const path of [this.#path(`secrets/${secretName}`), lease])
      await admin.request({ method: 'DELETE', path });
    await admin.request({
      method: 'PATCH',
      path: this.#path('serviceaccounts/default'),
      body: { imagePullSecrets: null },
      contentType: 'application/merge-patch+json',
    });
    await this.#putFormerSecret();
  }

  /** All of them, by a program that has just been started. */
  async all(controller: ControllerProcess): Promise<void> {
    await this.#served();
    await this.#looksAtContent(controller);
    await this.#tokenAsNamespace();
    await this.#saysWhatIsWrong();
    await this.#optsOut();
    await this.#meetsConflicts();
  }

  async #served(): Promise<void> {
    const { secretName, admin } = this.#stage;
    await this.#wish({ enabled: 'true' });
    await this.#until(async () => (await this.#secret()) !== undefined);
    await this.#until(async () => (await pullSecretsOf(this.#stage, this.#namespace)).includes(secretName));
    await this.#until(async () => (await admin.get(this.#path('secrets/rights-former'))) === undefined);
  }

  /** Somebody touches the Secret: its content is compared. */
  async #looksAtContent(controller: ControllerProcess): Promise<void> {
    const steps = outcomesIn(controller, this.#namespace).length;
    await this.#stage.admin.request({
      method: 'PATCH',
      path: this.#path(`secrets/${this.#stage.secretName}`),
      body: { metadata: { annotations: { 'example.com/seen': 'yes' } } },
      contentType: 'application/merge-patch+json',
    });
    await this.#until(async () => outcomesIn(controller, this.#namespace).length > steps);
  }

  async #tokenAsNamespace(): Promise<void> {
    const before = await this.#secret();
    await this.#wish({ 'identity-service-account': 'puller' });
    await this.#until(
      async () => (await this.#secret())?.metadata.resourceVersion !== before?.metadata.resourceVersion,
    );
  }

  async #saysWhatIsWrong(): Promise<void> {
    await this.#wish({ 'attach-to': 'nobody' });
    await this.#until(async () =>
      (await eventsOf(this.#stage, this.#namespace)).some((text) => text.startsWith('ServiceAccountRefused')),
    );
    await this.#wish({ 'attach-to': null });
  }

  async #optsOut(): Promise<void> {
    await this.#wish({ enabled: 'false' });
    await this.#until(async () => (await this.#secret()) === undefined);
    await this.#until(async () => (await pullSecretsOf(this.#stage, this.#namespace)).length === 0);
  }

  /** What takes ten minutes, or two writers at the same moment: by the program's own parts, under the same rights. */
  async #meetsConflicts(): Promise<void> {
    const { installation, instance, secretName } = this.#stage;
    const files = [installation.kubeconfigFile];
    const connection = await connectByKubeconfig({ files, clock: systemClock });
    const api = new HttpApi({ connection, clock: systemClock, userAgent: 'ecr-pull-secrets/deeds' });
    const outdated = { namespace: this.#namespace, resourceVersion: '1' };
    const cluster = new KubernetesCluster({
      api,
      namespaces: new Store(),
      secrets: new Map([['rights-former', new Store()]]),
      serviceAccounts: new Map([['default', new Store()]]),
      projectSecret: secretProjector({ manager: instance, fields: [] }),
      manager: instance,
      selection: { only: [], selector: '' },
    });
    try {
      await this.#putFormerSecret();
      await refused(cluster.deleteSecret(aSecret({ ...outdated, name: 'rights-former', uid: 'other' })));
      await refused(cluster.attach(aServiceAccount({ ...outdated, pullSecrets: undefined }), secretName));
      await this.#repeatsAnEvent(api);
    } finally {
      await connection.close();
    }
  }

  async #repeatsAnEvent(api: HttpApi): Promise<void> {
    const clock = new ManualClock();
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    const { secretName, installation, instance } = this.#stage;
    const reporter = { namespace: installation.namespace, pod: 'deeds' };
    const events = new EventRecorder({ api, clock, log, instance, secretName, reporter });
    for (let round = 0; round < 2; round += 1) {
      // Of both, so that it is told in our own namespace as well.
      for (const namespace of [this.#namespace, this.#neighbour]) {
        events.warn(namespace, { reason: 'NoRegistries', subject: 'deed', note: 'a deed' });
        await sleep(100);
        await clock.advance(100);
      }
      await sleep(200);
      await clock.advance(11 * 60_000);
    }
    await events.stop(AbortSignal.timeout(5_000));
  }

  /** As an earlier version of this installation left it. */
  async #putFormerSecret(): Promise<void> {
    const { admin, instance } = this.#stage;
    const metadata = {
      name: 'rights-former',
      namespace: this.#namespace,
      labels: { 'app.kubernetes.io/managed-by': 'ecr-pull-secrets' },
      annotations: { 'ecr-pull-secrets/instance': instance },
    };
    await admin.request({
      method: 'PATCH',
      path: this.#path('secrets/rights-former'),
      query: { fieldManager: instance, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque' },
    });
  }

  async #wish(annotations: Readonly<Record<string, string | null>>): Promise<void> {
    const entries = Object.entries(annotations).map(([key, value]) => [`ecr-pull-secrets/${key}`, value]);
    await this.#stage.admin.annotate(this.#namespace, Object.fromEntries(entries));
  }

  #secret() {
    return readSecret(this.#stage, this.#namespace);
  }

  #path(rest: string): string {
    return `/api/v1/namespaces/${this.#namespace}/${rest}`;
  }

  async #until(look: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + limit;
    while (!(await look())) {
      this.#signal.throwIfAborted();
      if (performance.now() > deadline) throw new Error(`not within ${limit / 1_000} s: ${look.toString()}`);
      await sleep(20);
    }
    this.#signal.throwIfAborted();
  }
}

const ignore = (): void => undefined;

/** Waits for the refusal that an outdated view meets. */
async function refused(work: Promise<unknown>): Promise<void> {
  const done = await work.then(
    () => true,
    () => false,
  );
  if (done) throw new Error('an outdated write was accepted');
}
