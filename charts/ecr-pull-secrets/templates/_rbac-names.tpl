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
{{- include "ecr-pull-secrets.checkedNames" (dict
    "names" (.Values.config.formerSecretNames | default list)
    "setting" "config.formerSecretNames" "kind" "Secret" "rule" "the RBAC rule") -}}
{{- end -}}

{{- define "ecr-pull-secrets.attachTo" -}}
{{- include "ecr-pull-secrets.checkedNames" (dict
    "names" .Values.config.attachTo
    "setting" "config.attachTo" "kind" "ServiceAccount" "rule" "the RBAC rule") -}}
{{- end -}}

{{- define "ecr-pull-secrets.identityAccounts" -}}
{{- include "ecr-pull-secrets.checkedNames" (dict
    "names" (dig "identity" "serviceAccounts" list .Values.config | default list)
    "setting" "config.identity.serviceAccounts" "kind" "ServiceAccount" "rule" "the RBAC rule for their tokens") -}}
{{- end -}}

{{/* A list of names as JSON. Its argument says which setting it is, of what kind of object the names are, and what is made from it. */}}
{{- define "ecr-pull-secrets.checkedNames" -}}
{{- if not (kindIs "slice" .names) -}}
{{- fail (printf "%s must be a list of %s names, [] for none: %s is made from it" .setting .kind .rule) -}}
{{- end -}}
{{- $given := . -}}
{{- range .names -}}
{{- if not (and (kindIs "string" .) (include "ecr-pull-secrets.isName" .)) -}}
{{- fail (printf "%s has %s: each entry must be the name of a %s, since %s is made from it" $given.setting (toJson .) $given.kind $given.rule) -}}
{{- end -}}
{{- end -}}
{{- toJson .names -}}
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
