// Everything around one controller, set up: the chart installed on a control plane, a fake AWS that trusts that cluster's
// ServiceAccount tokens, and a part of the namespaces to itself. Used by demo, bench and cluster tests. The controller that
// is started here is the real program with the chart's rights; only people and kubelets are played by the admin.
import {
  type ControllerProcess,
  type StartControllerOptions,
  startController,
} from './controller-process.ts';
import { Admin } from './control-plane/admin.ts';
import type { AuditEntry } from './control-plane/audit.ts';
import type { Progress } from './control-plane/assets.ts';
import type { ControlPlane } from './control-plane/control-plane.ts';
import { type FakeAws, startFakeAws } from './fake-aws/fake-aws.ts';
import { type Installation, installChart } from './installation.ts';
import type { AwsAccess } from './installation/program.ts';
import { Refusals } from './installation/refusals.ts';

/** The role of the controller, which trusts its ServiceAccount. */
export const controllerRole = 'arn:aws:iam::111122223333:role/ecr-pull-secrets';

/** A role that the controller's role may assume, as profiles do. */
export const partnerRole = (name: string): string => `arn:aws:iam::444455556666:role/${name}`;

/** What to set up. */
export interface StageOptions {
  readonly plane: ControlPlane;
  /** Begins the name of everything; two stages at the same time must differ. */
  readonly name: string;
  /** Of the configuration file, over the stage's own: namespaces, secretName and instance are the stage's. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Partner roles that exist, by name. */
  readonly partners?: readonly string[];
  /** Requests that the controller may be refused for want of a right, since the test took it away. Default: none. */
  readonly mayBeRefused?: (entry: AuditEntry) => boolean;
  readonly progress?: Progress;
}

/** What may differ from the usual start. */
export type HowToStart = Pick<StartControllerOptions, 'bundle' | 'pod' | 'args' | 'env' | 'waitReady'>;

/** A stage. */
export interface Stage {
  readonly plane: ControlPlane;
  readonly admin: Admin;
  readonly aws: FakeAws;
  readonly installation: Installation;
  /** How a program reaches the fake AWS: by web identity. */
  readonly awsAccess: AwsAccess;
  /** The name of the installation: field manager and Lease. */
  readonly instance: string;
  /** The name of our Secret. */
  readonly secretName: string;
  /** The chart's values with this configuration over the stage's own; for `installation.upgrade`. */
  values(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** The full name of a namespace of this stage. */
  namespaceName(name: string): string;
  /** Takes over a namespace that was made before, by its full name: it is deleted with the stage. */
  adopt(namespace: string): void;
  /** Makes a namespace, and waits for its `default` ServiceAccount. @returns its full name */
  createNamespace(name: string, annotations?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts a controller; it is stopped with the stage, if not before. */
  startController(how?: HowToStart): Promise<ControllerProcess>;
  /**
   * Ends everything, and deletes what was made in the cluster. @throws when the controller asked for something that the chart's
   * RBAC does not allow (where there is an audit log)
   */
  close(): Promise<void>;
}

/** Sets a stage up. */
export async function openStage({
  plane,
  name,
  config,
  partners = [],
  mayBeRefused = () => false,
  progress,
}: StageOptions): Promise<Stage> {
  const admin = new Admin(plane);
  const secretName = `${name}-pull-secret`;
  const namespace = `${name}-system`;
  const values = (more: Readonly<Record<string, unknown>>) => ({
    config: { instance: name, secretName, namespaces: { include: [`${name}-*`] }, ...config, ...more },
    aws: { region: 'eu-west-1', roleArn: controllerRole },
  });
  const installation = await installChart({
    plane,
    admin,
    namespace,
    release: name,
    values: values({}),
    ...(progress && { progress }),
  });
  try {
    const aws = await startFakeAws({
      issuers: [{ issuer: plane.issuer, jwks: () => admin.jwks() }],
      roles: [
        { arn: controllerRole, trust: [{ subjects: [installation.user], audience: 'sts.amazonaws.com' }] },
        ...partners.map((partner) => ({
          arn: partnerRole(partner),
          trust: [{ principals: [controllerRole] }],
        })),
      ],
    });
    const refusals = plane.auditLogFile === '' ? undefined : await Refusals.since(plane, admin, mayBeRefused);
    return new OpenStage({ plane, admin, aws, installation, secretName, name, values, refusals });
  } catch (error) {
    await installation.remove();
    throw error;
  }
}

type OpenStageProps = Pick<Stage, 'plane' | 'admin' | 'aws' | 'installation' | 'secretName' | 'values'> & {
  readonly name: string;
  readonly refusals: Refusals | undefined;
};

class OpenStage implements Stage {
  readonly plane: ControlPlane;
  readonly admin: Admin;
  readonly aws: FakeAws;
  readonly installation: Installation;
  readonly secretName: string;
  readonly values: Stage['values'];
  readonly #name: string;
  readonly #refusals: Refusals | undefined;
  readonly #controllers: ControllerProcess[] = [];
  readonly #namespaces: string[] = [];

  constructor({ plane, admin, aws, installation, secretName, name, values, refusals }: OpenStageProps) {
    this.plane = plane;
    this.admin = admin;
    this.aws = aws;
    this.installation = installation;
    this.secretName = secretName;
    this.values = values;
    this.#name = name;
    this.#refusals = refusals;
  }

  get awsAccess(): AwsAccess {
    return { endpoint: this.aws.url, roleArn: controllerRole, region: 'eu-west-1' };
  }

  get instance(): string {
    return this.#name;
  }

  adopt(namespace: string): void {
    this.#namespaces.push(namespace);
  }

  namespaceName(name: string): string {
    return `${this.#name}-${name}`;
  }

  async createNamespace(name: string, annotations: Readonly<Record<string, string>> = {}): Promise<string> {
    const namespace = this.namespaceName(name);
    this.#namespaces.push(namespace);
    await this.admin.createNamespace(namespace, annotations);
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    while ((await this.admin.get(path)) === undefined) await pause(10);
    return namespace;
  }

  async startController(how: HowToStart = {}): Promise<ControllerProcess> {
    const { installation, awsAccess: aws } = this;
    const controller = await startController({ installation, aws, ...how });
    this.#controllers.push(controller);
    return controller;
  }

  async close(): Promise<void> {
    const ends = new AsyncDisposableStack();
    ends.defer(() => this.admin.close());
    ends.defer(() => this.aws.close());
    ends.defer(() => this.installation.remove());
    for (const namespace of this.#namespaces) ends.defer(() => this.admin.deleteNamespace(namespace));
    ends.defer(() => this.#refusals?.expectNone(this.installation.user));
    for (const controller of this.#controllers) ends.defer(async () => void (await controller.stop()));
    // In the opposite order, and to the last one even when one fails.
    await ends.disposeAsync();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
