# docker build -t gor .                  the binary alone, from scratch
# docker build --target dev -t gor-dev . the tools to build and test it

FROM golang:1.26-bookworm AS dev
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      curl iproute2 libcap2-bin make nginx-light procps python3 tcpdump \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
CMD ["bash"]

FROM dev AS build
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build

# Nothing but the binary: no shell, no libraries. It needs CAP_NET_RAW to
# capture (docker run --cap-add NET_RAW --network host).
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/gor /gor
ENTRYPOINT ["/gor"]
