# docker build -t gor .                  the program alone, from scratch
# docker build --target dev -t gor-dev . the tools to build and test it

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build

FROM golang:1.26-bookworm AS dev
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      apache2-bin curl fish iproute2 libcap2-bin make netbase nginx-light nodejs openssl procps python3 tcpdump wget wrk zsh \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
CMD ["bash"]

# Nothing but the program and the certificates of public authorities: no shell, no
# libraries. It needs CAP_NET_RAW to capture
# (docker run --network host --cap-drop ALL --cap-add NET_RAW --read-only).
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/gor /gor
ENTRYPOINT ["/gor"]
