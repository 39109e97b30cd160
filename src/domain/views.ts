// What we keep of the objects in the cluster: a few fields each, projected when they are decoded (kubernetes/views),
// so that memory does not grow with what is none of our business. Never the data of a Secret.

/** A Namespace, of its metadata. */
export interface NamespaceView {
  readonly name: string;
  readonly resourceVersion: string;
  /** True once it has a deletion timestamp: it is left alone. */
  readonly terminating: boolean;
  /** Its annotations under our prefix, without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A Secret of our name, or a former one, in one namespace: of its metadata. */
export interface SecretView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The label `app.kubernetes.io/managed-by`. */
  readonly managedBy: string | undefined;
  /** The annotations under our prefix, without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
  /** True when `managedFields` holds an entry of our field manager with operation Apply. */
  readonly appliedByUs: boolean;
  /** The fields that we set and no longer own, by path: another writer changed them. */
  readonly lostFields: readonly string[];
}

/** A ServiceAccount of one of the configured names. */
export interface ServiceAccountView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The names in `imagePullSecrets`, in order; undefined where the list is absent. */
  readonly pullSecrets: readonly string[] | undefined;
  /** The annotation `eks.amazonaws.com/role-arn`. */
  readonly roleArn: string | undefined;
}
