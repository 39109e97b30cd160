{{/*
What things are called, and the labels they carry. Used by every template. The selector labels and the names must stay as they
are: a Deployment's selector cannot be changed, and an upgrade that renames the ServiceAccount loses the role in AWS.
*/}}
{{- define "ecr-pull-secrets.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of everything we make: the release's, with the chart's where it does not say so already. */}}
{{- define "ecr-pull-secrets.fullname" -}}
{{- $name := include "ecr-pull-secrets.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* A CronJob's name must leave room for those of its Jobs: 52 at most. */}}
{{- define "ecr-pull-secrets.cronJobName" -}}
{{- include "ecr-pull-secrets.fullname" . | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Names of what is cluster-wide, or in other namespaces, say the namespace too, so that releases of one name in two namespaces do not collide. */}}
{{- define "ecr-pull-secrets.clusterName" -}}
{{- printf "%s:%s" (include "ecr-pull-secrets.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* Whose rights and tokens the pod has. */}}
{{- define "ecr-pull-secrets.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "ecr-pull-secrets.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is required where serviceAccount.create is false: rights are given to it, and AWS knows it by name" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ecr-pull-secrets.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ecr-pull-secrets.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "ecr-pull-secrets.labels" -}}
{{ include "ecr-pull-secrets.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
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

{{/* Says something when replicas agree by a Lease which of them writes; so by default. A CronJob's passes need none. */}}
{{- define "ecr-pull-secrets.elects" -}}
{{- if and (not .Values.cronJob.enabled) (ne (dig "leaderElection" "enabled" true .Values.config | toString) "false") -}}yes{{- end -}}
{{- end -}}
