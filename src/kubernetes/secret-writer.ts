// Reads and writes our Secrets, each by its name and guarded by what was seen of it. Used by cluster. What was written is
// known at once, without waiting for the watch; where the world had moved on, the object is read anew before the step ends.
import type { Api, ApiAnswer, ApiCall } from '../controller/ports.ts';
import { type DesiredSecret, dataKey, secretType } from '../domain/desired-secret.ts';
import { Retryable } from '../domain/errors.ts';
import { SecretText } from '../domain/token.ts';
import type { SecretView } from '../domain/views.ts';
import { isOutdated, translate } from './errors.ts';
import { reread } from './reread.ts';
import type { Store } from './store.ts';
import type { KubernetesObject } from './views.ts';

interface SecretWriterProps {
  readonly api: Api;
  /** By the Secret's name; each kept by namespace. */
  readonly secrets: ReadonlyMap<string, Store<SecretView>>;
  readonly projectSecret: (object: KubernetesObject) => SecretView;
  /** The field manager of our writes. */
  readonly manager: string;
}

interface Write {
  readonly namespace: string;
  readonly name: string;
  readonly desired: DesiredSecret;
  /** What must still be true of the object. */
  readonly guard: { readonly uid?: string; readonly resourceVersion?: string };
  readonly force: boolean;
}

/** Below that of every object, so a write that carries it can only create; `0` would mean any version. */
const noVersion = '1';

/** Which Secret. */
type Place = Pick<SecretView, 'namespace' | 'name'>;

/** The writer of Secrets. */
export class SecretWriter {
  readonly #props: SecretWriterProps;

  constructor(props: SecretWriterProps) {
    this.#props = props;
  }

  /** The document; undefined when the object is no longer what was seen, or its data is somebody else's by now. */
  async read(seen: SecretView): Promise<SecretText | undefined> {
    const { body } = await this.#attempt({ method: 'GET', path: pathOf(seen) }, 'read', seen);
    const document = (body as { data?: Readonly<Record<string, string>> }).data?.[dataKey];
    const { uid, lostFields } = this.#props.projectSecret(body as KubernetesObject);
    const ours = uid === seen.uid && !lostFields.includes(`f:data/f:${dataKey}`);
    return ours && document !== undefined
      ? new SecretText(Buffer.from(document, 'base64').toString())
      : undefined;
  }

  async create(place: Place, desired: DesiredSecret): Promise<SecretView> {
    // Where a Secret of our name has appeared meanwhile it is left alone (409), by the version that no object ever has:
    // unforced is not enough, since what another replica has made has our field manager too.
    const { status, view } = await this.#apply({
      ...place,
      desired,
      guard: { resourceVersion: noVersion },
      force: false,
    });
    if (status === 201) return view;
    throw new Retryable('conflict', `apply Secret ${textOf(place)}: it was there already`);
  }

  async update(
    { namespace, name, uid, resourceVersion }: SecretView,
    desired: DesiredSecret,
  ): Promise<SecretView> {
    const write = { namespace, name, desired, guard: { uid, resourceVersion }, force: true };
    return (await this.#apply(write)).view;
  }

  async delete(seen: SecretView): Promise<void> {
    const { uid, resourceVersion, namespace, name } = seen;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
    const call: ApiCall = { method: 'DELETE', path: pathOf(seen), body, representation: 'metadata' };
    await this.#attempt(call, 'delete', seen);
    this.#props.secrets.get(name)?.delete(namespace, resourceVersion, 'own');
  }

  async #apply({ desired, guard, force, ...place }: Write): Promise<{ status: number; view: SecretView }> {
    const { manager, projectSecret, secrets } = this.#props;
    const { labels, annotations, document } = desired;
    const call: ApiCall = {
      method: 'PATCH',
      path: pathOf(place),
      query: { fieldManager: manager, force: String(force) },
      contentType: 'application/apply-patch+yaml',
      representation: 'metadata',
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...place, ...guard, labels, annotations },
        type: secretType,
        data: { [dataKey]: Buffer.from(document.reveal()).toString('base64') },
      },
    };
    const { status, body } = await this.#attempt(call, 'apply', place);
    const view = projectSecret(body as KubernetesObject);
    secrets.get(place.name)?.put(place.namespace, view, 'own');
    return { status, view };
  }

  async #attempt(call: ApiCall, verb: string, place: Place): Promise<ApiAnswer> {
    try {
      return await this.#props.api.call(call);
    } catch (error) {
      if (isOutdated(error)) await this.#reread(place);
      throw translate(error, `${verb} Secret ${textOf(place)}`);
    }
  }

  async #reread(place: Place): Promise<void> {
    const { api, secrets, projectSecret } = this.#props;
    await reread(secrets.get(place.name), place.namespace, async () => {
      const { body } = await api.call({ method: 'GET', path: pathOf(place), representation: 'metadata' });
      return projectSecret(body as KubernetesObject);
    });
  }
}

const pathOf = ({ namespace, name }: Place): string => `/api/v1/namespaces/${namespace}/secrets/${name}`;

const textOf = ({ namespace, name }: Place): string => `${namespace}/${name}`;
