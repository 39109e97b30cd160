{{/*
The names that RBAC rules are limited to, each checked. Used by the rules and by NOTES. Anything but a plain name ends the
rendering: to RBAC an empty `resourceNames` means every object, and an empty string in it every request without a name, as a
list is.
*/}}
{{- define "ecr-pull-secrets.secretName" -}}
{{- $name := .Values.config.secretName -}}
{{- if not (and (kindIs "string" $name) (include "ecr-pull-secrets.isName" $name)) -}}
{{- fail "config.secretName must be the name of a Secret, such as ecr-pull-secret: without it the RBAC rule would allow every Secret of the cluster" -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "ecr-pull-secrets.formerSecretNames" -}}
{{- $names := .Values.config.formerSecretNames | default list -}}
{{- if not (kindIs "slice" $names) -}}
{{- fail "config.formerSecretNames must be a list of Secret names: the RBAC rule is made from it" -}}
{{- end -}}
{{- range $names -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isName" .)) -}}
{{- fail (printf "config.formerSecretNames has %s: each entry must be the name of a Secret, since the RBAC rule is made from it" (toJson .)) -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
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
{{- if not (kindIs "slice" $names) -}}
{{- fail "config.identity.serviceAccounts must be a list of ServiceAccount names: the RBAC rule for their tokens is made from it" -}}
{{- end -}}
{{- range $names -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isName" .)) -}}
{{- fail (printf "config.identity.serviceAccounts has %s: each entry must be the name of a ServiceAccount, since the RBAC rule for their tokens is made from it" (toJson .)) -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* The namespaces that the rights are limited to; none: the whole cluster. */}}
{{- define "ecr-pull-secrets.onlyNamespaces" -}}
{{- $names := dig "namespaces" "only" list .Values.config | default list -}}
{{- if not (kindIs "slice" $names) -}}
{{- fail "config.namespaces.only must be a list of namespaces, [] for the whole cluster: the Roles are made from it" -}}
{{- end -}}
{{- range $names -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isNamespace" .)) -}}
{{- fail (printf "config.namespaces.only has %s: each entry must be the name of a namespace, since a Role is made in it" (toJson .)) -}}
{{- end -}}
{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}
{{- fail "config.namespaces.only must name each namespace once" -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* The name of the Lease, which is that of the installation. */}}
{{- define "ecr-pull-secrets.leaseName" -}}
{{- $name := .Values.config.instance | default "ecr-pull-secrets" -}}
{{- if not (include "ecr-pull-secrets.isNamespace" $name) -}}
{{- fail "config.instance must be a short name: lower-case letters, digits and -" -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* Says something when its argument is a name as Kubernetes allows it for Secrets and ServiceAccounts. */}}
{{- define "ecr-pull-secrets.isName" -}}
{{- if and (le (len .) 253) (regexMatch "\\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\z" .) -}}yes{{- end -}}
{{- end -}}

{{/* The same for namespaces, and for the name of the installation, of which the program asks the same. */}}
{{- define "ecr-pull-secrets.isNamespace" -}}
{{- if regexMatch "\\A[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\\z" . -}}yes{{- end -}}
{{- end -}}
