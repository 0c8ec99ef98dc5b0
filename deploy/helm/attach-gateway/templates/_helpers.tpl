{{- define "attach.name" -}}
{{- printf "%s" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "attach.selector" -}}
app.kubernetes.io/name: attach-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "attach.labels" -}}
{{ include "attach.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "attach.image" -}}
{{- $repository := required "image.repository: where is your build of deploy/Containerfile?" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "attach.toml" -}}
{{- if regexMatch "(?m)^\\s*\\[(server|state)\\]" .Values.config -}}
{{- fail "config: [server] and [state] are written by the chart; use its values, or server.KEY = … lines in `server` below" -}}
{{- end -}}
[server]
listen           = "0.0.0.0:8080"
telemetry_listen = "0.0.0.0:{{ .Values.telemetry.port }}"
drain            = "{{ .Values.drainSeconds }}s"
{{- with .Values.server }}
{{ . | trim }}
{{- end }}

[state]
dir = "/var/lib/attach"
{{- if .Values.state.redis }}
redis = { env = "REDIS_URL" }
{{- end }}

{{ .Values.config | trim }}
{{- end -}}
