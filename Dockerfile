# A small static image of the switch, which runs as a user without rights and
# writes to /data and /tmp only. metrics/stack/compose.yml shows how to run it.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags=-s -o /out/maskswitch ./cmd/maskswitch \
	&& mkdir /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/maskswitch /maskswitch
# A volume that is mounted here for the first time takes over who owns it.
COPY --from=build --chown=65532:65532 /out/data /data
# The store sorts there what does not fit into its memory.
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
# A container is reached through its network, so HOST needs API_KEYS. ADMIN_ADDR
# asks for no key: publish 5000, and never 5001.
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=5000 ADMIN_ADDR=0.0.0.0:5001 LOG_FORMAT=json
VOLUME /data
EXPOSE 5000 5001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/maskswitch", "ready"]
ENTRYPOINT ["/maskswitch"]
