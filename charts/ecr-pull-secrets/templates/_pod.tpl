{{/*
The pod, the same for Deployment and CronJob: `include` with a dict of `root` (the chart's scope) and `command` (run or once).
*/}}
{{- define "ecr-pull-secrets.podMetadata" -}}
annotations:
  # The program reads its configuration once: a change of it makes a new pod.
  checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "ecr-pull-secrets.selectorLabels" . | nindent 2 }}
  {{- with .Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "ecr-pull-secrets.podSpec" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ include "ecr-pull-secrets.serviceAccountName" .root | quote }}
automountServiceAccountToken: true
enableServiceLinks: false
# It stops by itself within 10 s.
terminationGracePeriodSeconds: 30
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else if gt (int $values.replicas) 1 }}
# One node that fails should not take every replica; where there is one node only, they share it.
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ecr-pull-secrets.selectorLabels" .root | nindent 8 }}
{{- end }}
{{- with $values.extraInitContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: controller
    image: {{ include "ecr-pull-secrets.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args:
      - {{ .command }}
      - --log-level={{ $values.logLevel }}
    {{- with include "ecr-pull-secrets.env" .root | trim }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
    {{- if eq .command "run" }}
    ports:
      - name: http
        containerPort: 8080
    # The port is open once the API server's address and the configuration are good.
    startupProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 60
    # Only that the process still answers: what fails outside is no reason to start anew.
    livenessProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    # Everything that is watched is known completely; so it is on a replica that waits for the Lease.
    readinessProbe:
      httpGet:
        path: /readyz
        port: http
      periodSeconds: 5
      timeoutSeconds: 5
    {{- end }}
    {{- with $values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      - name: config
        mountPath: /etc/ecr-pull-secrets
        readOnly: true
      {{- if $values.aws.roleArn }}
      - name: aws-iam-token
        mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount
        readOnly: true
      {{- end }}
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
  {{- with $values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "ecr-pull-secrets.fullname" .root | quote }}
  {{- if $values.aws.roleArn }}
  # The token that STS verifies; the kubelet renews it. It is of no use at the API server. Name and path are those of the EKS
  # pod identity webhook: where it finds them, it adds none of its own.
  - name: aws-iam-token
    projected:
      sources:
        - serviceAccountToken:
            audience: {{ $values.aws.accountTokenAudience | quote }}
            expirationSeconds: {{ $values.aws.accountTokenExpirationSeconds | int }}
            path: token
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The controller's environment: who it is in AWS. The variables are those that the EKS pod identity webhook would set, which leaves what it finds. */}}
{{- define "ecr-pull-secrets.env" -}}
{{- with .Values.aws.region }}
- name: AWS_REGION
  value: {{ . | quote }}
- name: AWS_DEFAULT_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.aws.roleArn }}
- name: AWS_ROLE_ARN
  value: {{ . | quote }}
- name: AWS_WEB_IDENTITY_TOKEN_FILE
  value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token
- name: AWS_STS_REGIONAL_ENDPOINTS
  value: regional
{{- end }}
{{- with .Values.aws.existingSecret }}
{{- if .name }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .name | quote }}
      key: {{ .accessKeyIdKey | quote }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .name | quote }}
      key: {{ .secretAccessKeyKey | quote }}
{{- if .sessionTokenKey }}
- name: AWS_SESSION_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ .name | quote }}
      key: {{ .sessionTokenKey | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Says something when the chart sets AWS_REGION, without which the controller does not start. */}}
{{- define "ecr-pull-secrets.setsRegion" -}}
{{- range include "ecr-pull-secrets.env" . | fromYamlArray -}}
{{- if eq .name "AWS_REGION" -}}yes{{- end -}}
{{- end -}}
{{- end -}}
