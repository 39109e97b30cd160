{{/* Name of everything we make: the release's, with the chart's where it does not say so already. */}}
{{- define "ecr-pull-secrets.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped names say the namespace too, so that releases of one name in two namespaces do not collide. */}}
{{- define "ecr-pull-secrets.clusterName" -}}
{{- printf "%s:%s" (include "ecr-pull-secrets.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "ecr-pull-secrets.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ecr-pull-secrets.labels" -}}
{{ include "ecr-pull-secrets.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/*
The names that RBAC rules are limited to. Anything but a plain name ends the rendering: to RBAC an empty `resourceNames`
means every object, and an empty string in it every request without a name, as a list is.
*/}}
{{- define "ecr-pull-secrets.secretName" -}}
{{- $name := .Values.config.secretName -}}
{{- if not (and (kindIs "string" $name) (include "ecr-pull-secrets.isName" $name)) -}}
{{- fail "config.secretName must be the name of a Secret, such as ecr-pull-secret: without it the RBAC rule would allow every Secret of the cluster" -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "ecr-pull-secrets.formerSecretNames" -}}
{{- range .Values.config.formerSecretNames -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isName" .)) -}}
{{- fail (printf "config.formerSecretNames has %s: each entry must be the name of a Secret, since the RBAC rule is made from it" (toJson .)) -}}
{{- end -}}
{{- end -}}
{{- toJson (.Values.config.formerSecretNames | default list) -}}
{{- end -}}

{{- define "ecr-pull-secrets.attachTo" -}}
{{- if not (kindIs "slice" .Values.config.attachTo) -}}
{{- fail "config.attachTo must be a list of ServiceAccount names, [] for none: the RBAC rule is made from it" -}}
{{- end -}}
{{- range .Values.config.attachTo -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isName" .)) -}}
{{- fail (printf "config.attachTo has %s: each entry must be the name of a ServiceAccount, since the RBAC rule is made from it" (toJson .)) -}}
{{- end -}}
{{- end -}}
{{- toJson .Values.config.attachTo -}}
{{- end -}}

{{- define "ecr-pull-secrets.identityAccounts" -}}
{{- $names := dig "identity" "serviceAccounts" list .Values.config | default list -}}
{{- range $names -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isName" .)) -}}
{{- fail (printf "config.identity.serviceAccounts has %s: each entry must be the name of a ServiceAccount, since the RBAC rule for their tokens is made from it" (toJson .)) -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Says something when replicas agree by a Lease which of them writes; so by default. */}}
{{- define "ecr-pull-secrets.elects" -}}
{{- if ne (dig "leaderElection" "enabled" true .Values.config | toString) "false" -}}yes{{- end -}}
{{- end -}}

{{/* The name of the Lease, which is that of the installation. */}}
{{- define "ecr-pull-secrets.leaseName" -}}
{{- $name := .Values.config.instance | default "ecr-pull-secrets" -}}
{{- if not (include "ecr-pull-secrets.isName" $name) -}}
{{- fail "config.instance must be a short name: lower-case letters, digits and -" -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Says something when its argument is a name as Kubernetes allows it for Secrets and ServiceAccounts. */}}
{{- define "ecr-pull-secrets.isName" -}}
{{- if and (le (len .) 253) (regexMatch "\\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\z" .) -}}yes{{- end -}}
{{- end -}}

{{- define "ecr-pull-secrets.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}
