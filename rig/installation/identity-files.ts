// What a controller gets of its installation: the configuration, a kubeconfig, and the tokens of its ServiceAccount, in files as
// a kubelet would mount them. Used by rig/installation and helm-release; it must not give more rights than that ServiceAccount
// has.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admin } from '../control-plane/admin.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';

/** Whose files, and where. */
export interface IdentityFilesProps {
  readonly plane: Pick<ControlPlane, 'url' | 'caFile' | 'issuer'>;
  readonly admin: Admin;
  readonly directory: string;
  readonly namespace: string;
  readonly serviceAccount: () => string;
}

/** Life of both tokens in s. The chart asks for a day; a test never lasts as long as an hour. */
const tokenSeconds = 3600;

/** The files. */
export class IdentityFiles {
  /** The configuration that the chart rendered. */
  readonly configFile: string;
  /** The way to the API server as this ServiceAccount; reads `tokenFile`. */
  readonly kubeconfigFile: string;
  /** The ServiceAccount's token for the API server. */
  readonly tokenFile: string;
  /** Its token for STS. */
  readonly webIdentityTokenFile: string;
  readonly #props: IdentityFilesProps;

  constructor(props: IdentityFilesProps) {
    const { directory } = props;
    this.configFile = join(directory, 'config.yaml');
    this.kubeconfigFile = join(directory, 'kubeconfig.json');
    this.tokenFile = join(directory, 'token');
    this.webIdentityTokenFile = join(directory, 'web-identity-token');
    this.#props = props;
  }

  writeConfig(config: string): Promise<void> {
    return write(this.configFile, config);
  }

  writeKubeconfig(): Promise<void> {
    return write(this.kubeconfigFile, JSON.stringify(this.#kubeconfig()));
  }

  /** Writes new tokens, as the kubelet does before the old ones expire. @param audience of the one for STS */
  async refreshTokens(audience: string): Promise<void> {
    const [token, webIdentityToken] = await Promise.all([this.token(), this.#token(audience)]);
    await write(this.tokenFile, token);
    await write(this.webIdentityTokenFile, webIdentityToken);
  }

  /** A fresh token for the API server. */
  token(): Promise<string> {
    // The audience is said, since by default a token is for every audience of the API server, and the rig's has STS's too.
    return this.#token(this.#props.plane.issuer);
  }

  #token(audience: string): Promise<string> {
    const { admin, namespace, serviceAccount } = this.#props;
    return admin.serviceAccountToken(namespace, serviceAccount(), { audience, seconds: tokenSeconds });
  }

  #kubeconfig(): object {
    const { plane, namespace } = this.#props;
    const name = 'ecr-pull-secrets';
    return {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: plane.url, 'certificate-authority': plane.caFile } }],
      users: [{ name, user: { tokenFile: this.tokenFile } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace } }],
      'current-context': name,
    };
  }
}

/** In one step, since the controller may be reading the file. */
async function write(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
