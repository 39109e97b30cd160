# The container image: the bundle of `npm run build` on a Node without shell or package manager. How to build it for both
# architectures, what it weighs and how these steps were tried: docs/image.md.
# Both bases are pinned by the digest of their index, which names the image of each architecture.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-trixie-slim@sha256:173f125896c3b47ddf056734c7ea789d04595a6a08769a8f78e0df642781fb66
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot@sha256:9eeb7f5887d0e239e78264b06f7f11d2e14be534050481803a9e4728fcdd278e

# On the machine's own architecture: what it makes is JavaScript alone, so nothing is emulated.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS builder
WORKDIR /build
COPY package.json package-lock.json ./
# A registry of one's own comes as the secret `npmrc`, which no layer holds. No package may run anything here.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.ts ./scripts/
COPY src ./src
# `npm run build` without the step that installs.
RUN node scripts/build.ts

# Nothing runs in this stage: each architecture is the base and the same files.
FROM ${BASE_IMAGE}
# A folder that every user may be in: the base's own is its user's alone. /app is made by COPY, which is root's; WORKDIR would
# make it the user's.
WORKDIR /
# package.json says that the files are modules, which Node would otherwise have to find out.
# The mode is said, since that of a checkout is as its owner's umask wants it.
COPY --chmod=0644 LICENSE package.json /app/
COPY --from=builder /build/dist/ /app/dist/
ARG VERSION=0.1.0
ARG REVISION=""
ARG CREATED=""
LABEL org.opencontainers.image.title="ecr-pull-secrets" \
      org.opencontainers.image.description="Keeps imagePullSecrets for Amazon ECR fresh in every annotated namespace of any Kubernetes cluster" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# One arena of malloc for all threads; with the options of V8 below the lowest peak that costs no CPU (docs/figures.md).
ENV MALLOC_ARENA_MAX=1
EXPOSE 8080
# A number, by which the kubelet can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=2", "--heap-growing-percent=10", "--v8-pool-size=1", "/app/dist/main.js"]
