{{- define "langfuse.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name }}
{{- else -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end -}}
{{- end -}}

{{- define "langfuse.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "langfuse.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "langfuse.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* A variable from a list of its name, a value, a Secret's name and a key: the Secret wins. */}}
{{- define "langfuse.entry" -}}
{{- $name := index . 0 }}{{- $value := index . 1 }}{{- $secret := index . 2 }}{{- $key := index . 3 -}}
- name: {{ $name }}
{{- if $secret }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $key }}
{{- else }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "langfuse.secretEntry" -}}
{{- $name := index . 0 }}{{- $of := index . 1 -}}
{{ include "langfuse.entry" (list $name $of.value $of.secretKeyRef.name $of.secretKeyRef.key) }}
{{- end -}}

{{- define "langfuse.env" -}}
- name: NODE_ENV
  value: "production"
{{ include "langfuse.secretEntry" (list "SALT" .Values.langfuse.salt) }}
{{- if or .Values.langfuse.encryptionKey.value .Values.langfuse.encryptionKey.secretKeyRef.name }}
{{ include "langfuse.secretEntry" (list "ENCRYPTION_KEY" .Values.langfuse.encryptionKey) }}
{{- end }}
- name: NEXTAUTH_URL
  value: {{ .Values.langfuse.nextauth.url | quote }}
{{ include "langfuse.secretEntry" (list "NEXTAUTH_SECRET" .Values.langfuse.nextauth.secret) }}
{{- with .Values.postgresql }}
- name: DATABASE_HOST
  value: {{ .host | quote }}
- name: DATABASE_USERNAME
  value: {{ .auth.username | quote }}
{{ include "langfuse.entry" (list "DATABASE_PASSWORD" .auth.password .auth.existingSecret .auth.secretKeys.userPasswordKey) }}
- name: DATABASE_NAME
  value: {{ .auth.database | quote }}
{{- end }}
{{- with .Values.redis }}
{{ include "langfuse.entry" (list "REDIS_PASSWORD" .auth.password .auth.existingSecret .auth.existingSecretPasswordKey) }}
- name: REDIS_CONNECTION_STRING
  value: "redis://default:$(REDIS_PASSWORD)@{{ .host }}:6379/0"
{{- end }}
{{- with .Values.clickhouse }}
- name: CLICKHOUSE_URL
  value: "http://{{ .host }}:8123"
- name: CLICKHOUSE_USER
  value: {{ .auth.username | quote }}
- name: CLICKHOUSE_PASSWORD
  value: {{ .auth.password | quote }}
{{- end }}
{{- range $use := list "EVENT_UPLOAD" "BATCH_EXPORT" "MEDIA_UPLOAD" }}
- name: LANGFUSE_S3_{{ $use }}_BUCKET
  value: {{ $.Values.s3.bucket | quote }}
- name: LANGFUSE_S3_{{ $use }}_ACCESS_KEY_ID
  value: {{ $.Values.s3.accessKeyId | quote }}
- name: LANGFUSE_S3_{{ $use }}_SECRET_ACCESS_KEY
  value: {{ $.Values.s3.secretAccessKey | quote }}
{{- end }}
{{- range .Values.langfuse.additionalEnv }}
{{- if has .name (list "SALT" "ENCRYPTION_KEY" "NEXTAUTH_SECRET" "DATABASE_PASSWORD" "REDIS_PASSWORD" "CLICKHOUSE_PASSWORD") }}
{{- fail (printf "%s is set by the chart: use its own value" .name) }}
{{- end }}
{{ toYaml (list .) }}
{{- end }}
{{- end -}}
