{{/*
What the controller may do in a namespace that it serves. Used by the ClusterRole, and by the Role of each namespace in its
place where config.namespaces.only lists some: the two scopes cannot drift apart.
*/}}
{{- define "ecr-pull-secrets.rules" -}}
{{- $secretName := include "ecr-pull-secrets.secretName" . -}}
{{- $formerSecretNames := include "ecr-pull-secrets.formerSecretNames" . | fromJsonArray -}}
{{- $identityAccounts := include "ecr-pull-secrets.identityAccounts" . | fromJsonArray -}}
{{- $attachTo := include "ecr-pull-secrets.attachTo" . | fromJsonArray -}}
# Our Secret, by its one name. create: server-side apply makes it and is authorised by name (a POST is not, and is refused).
# list and watch are authorised for fieldSelector metadata.name=<this name> only. There is no update: apply is a patch.
# delete: when a namespace opts out. No Secret of another name can be read, listed or written.
- apiGroups: ['']
  resources: [secrets]
  resourceNames: [{{ $secretName | quote }}]
  verbs: [get, list, watch, create, patch, delete]
{{- with $formerSecretNames }}
# Our Secrets of former names: found and cleaned up, never made or written.
- apiGroups: ['']
  resources: [secrets]
  resourceNames:
    {{- range . }}
    - {{ . | quote }}
    {{- end }}
  verbs: [get, list, watch, delete]
{{- end }}
{{- if $attachTo }}
# The ServiceAccounts whose imagePullSecrets get our Secret appended, by the configured names only. Nothing else of
# them is written, and no token can be requested for them (that is serviceaccounts/token).
- apiGroups: ['']
  resources: [serviceaccounts]
  resourceNames:
    {{- range $attachTo }}
    - {{ . | quote }}
    {{- end }}
  verbs: [get, list, watch, patch]
{{- end }}
{{- if $identityAccounts }}
# The ServiceAccounts that namespaces may name to get tokens as themselves: whether they are there, and their role.
- apiGroups: ['']
  resources: [serviceaccounts]
  resourceNames:
    {{- range $identityAccounts }}
    - {{ . | quote }}
    {{- end }}
  verbs: [list, watch]
# Tokens of those, for AWS to verify. Never without names: it would let the controller be anybody in the cluster, since
# RBAC does not restrict the audience of such a token. So give these ServiceAccounts no rights in the cluster.
- apiGroups: ['']
  resources: [serviceaccounts/token]
  resourceNames:
    {{- range $identityAccounts }}
    - {{ . | quote }}
    {{- end }}
  verbs: [create]
{{- end }}
{{ include "ecr-pull-secrets.eventRule" . }}
{{- end -}}

{{- define "ecr-pull-secrets.eventRule" -}}
# Saying where the tenant looks what is wrong and how to cure it; patch folds repeats into one Event. No reading.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* To whom every binding gives its rights. */}}
{{- define "ecr-pull-secrets.subjects" -}}
- kind: ServiceAccount
  name: {{ include "ecr-pull-secrets.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}
