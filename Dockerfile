# Images with Helm and resecret. From the root of the repository:
#
#   docker build --target ci --tag resecret .            for jobs: helm, resecret, and the plugin of Helm 4
#   docker build --target argocd --tag resecret-cmp .    the sidecar of Argo CD, see docs/clients/argocd.md
#
# HELM is v3 or v4 with the version to build: the images hold what the tests have pinned.
ARG HELM=v4
ARG HELM_VERSION=v4.3.1

FROM golang:1.26-alpine AS helm
ARG HELM
ARG HELM_VERSION
RUN CGO_ENABLED=0 GOBIN=/out go install -trimpath \
    -ldflags "-s -w -X helm.sh/helm/$HELM/internal/version.version=$HELM_VERSION" \
    "helm.sh/helm/$HELM/cmd/helm@$HELM_VERSION"

# The static program of the releases. COMMIT is what `resecret --version` names beside the version.
FROM rust:1.88-bookworm AS resecret
ARG COMMIT
ENV RESECRET_COMMIT=$COMMIT
WORKDIR /source
COPY Cargo.toml Cargo.lock README.md build.rs ./
COPY .ci/build .ci/build
COPY src src
COPY benches benches
RUN cp "$(.ci/build)" /resecret

FROM alpine:3.22 AS ci
COPY --from=helm /out/helm /usr/local/bin/helm
COPY --from=resecret /resecret /plugin/bin/resecret
COPY plugin.yaml /plugin/plugin.yaml
COPY plugin /plugin/plugin
ENV HELM_DATA_HOME=/helm
# For every user; the hook links the plugin of Helm 4, and Helm 3 takes /usr/local/bin/resecret.
RUN ln -s /plugin/bin/resecret /usr/local/bin/resecret \
    && helm plugin install /plugin \
    && chmod -R a+rX /helm /plugin
WORKDIR /work
USER 65534
ENTRYPOINT []
CMD ["resecret", "--help"]

FROM ci AS argocd
# Where Argo CD's server for plugins looks; it mounts the server itself into the sidecar, and runs as this user.
COPY examples/argocd/plugin.yaml /home/argocd/cmp-server/config/plugin.yaml
USER 999
ENTRYPOINT ["/var/run/argocd/argocd-cmp-server"]
CMD []
