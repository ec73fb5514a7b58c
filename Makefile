# make build    ./gor, one static binary
# make demo     see it work: capture, record, replay, compare, all on this machine
# make demo-picture  docs/demo.svg and docs/verdict.svg: pictures of that, for the README
# make test     what it needs, then every test
# make check    what CI runs: format, vet, staticcheck, race, fuzz, cross-build
# make test-fence  tests in which a late use of a message's memory faults at once
# make bench    benchmarks of the parts
# make bench-capture  what capture costs a server, beside tcpdump (and PEER)
# make bench-replay   how fast requests go out, beside a raw client and wrk (and PEER)
# make bench-filters  what filters and rewrites cost a request
# make bench-pace     how exactly a replay keeps the recorded times
# make soak     two minutes of abuse, with correct requests beside it
# make release  dist/: linux amd64 and arm64 with checksums
# make dbuild   the development container; make dtest and make dbash use it

GO      ?= go
IMAGE   ?= gor-dev
FUZZ    ?= 5000x
VERSION := $(shell sed -n 's/^const version = "\(.*\)"/\1/p' commands.go)

# Tests of load, and of many short runs, which say little more under the race
# detector and take minutes there, and one whose Gor is built without it in either
# case; make test runs them as they are.
LONG := ^(TestAbuseInASmallCgroup|TestSoakUnderAbuse|TestBadTargets|TestLiveCapture|TestLiveCaptureLoss|TestReplayKeepsBytes|TestFlags|TestMigratingCommands|TestCheckSaysWhatTheStartSays|TestKafkaBroker)$$

# Every program under the race detector waits a second at its end for reports that
# are on their way, unless this says otherwise; the tests start a thousand.
GORACE ?= atexit_sleep_ms=20

# -trimpath and an empty build id: the same source gives the same bytes. HTTP/2 in
# net/http, for the status page, would be half a megabyte.
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -tags nethttpomithttp2 -ldflags '-s -w -buildid='

.PHONY: build demo demo-picture test test-fence test-deps check fuzz bench bench-deps bench-capture bench-replay bench-pace bench-link bench-kafka bench-filters bench-memory soak release dbuild dtest dbash clean

# What people copy to their hosts stays below this.
MOST_BYTES := 18000000

build:
	$(BUILD) -o gor .
	@test $$(wc -c <gor) -le $(MOST_BYTES) || { echo "gor has $$(wc -c <gor) bytes, more than $(MOST_BYTES): see what pulls it in with go tool nm -size -sort size"; exit 1; }

demo: build
	$(GO) run ./demo ./gor

demo-picture: build
	$(GO) run ./demo ./gor >demo.txt
	sed '/^4\. /,/^5\. /{/^5\. /!d;}' demo.txt | sed 's/^5\. /4. /' | $(GO) run ./scripts/picture >docs/demo.svg.new
	sed -n '/^4\. /,/^5\. /{/^[45]\. /!p;}' demo.txt | $(GO) run ./scripts/picture >docs/verdict.svg.new
	mv docs/demo.svg.new docs/demo.svg
	mv docs/verdict.svg.new docs/verdict.svg
	rm demo.txt

test: test-deps
	./scripts/test ./...

# It counts no allocations: every message has pages of its own.
test-fence: test-deps
	$(GO) test -tags fence -skip 'Alloc|$(LONG)' ./internal/... ./raw_socket_listener .

test-deps:
	@./scripts/test-deps

check: test-deps
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt -w the files above"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	GORACE=$(GORACE) ./scripts/test -race -skip '$(LONG)' ./...
	./scripts/fuzz $(FUZZ)
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null .
	GOOS=darwin CGO_ENABLED=0 $(GO) vet .

fuzz:
	./scripts/fuzz $(FUZZ)

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-deps:
	@./scripts/bench-deps

bench-capture: build bench-deps
	$(GO) run ./bench/capture $(BENCH) ./gor

bench-replay: build bench-deps
	$(GO) run ./bench/replay -gor ./gor $(BENCH)

bench-pace: build
	$(GO) run ./bench/pace -gor ./gor $(BENCH)

bench-filters: build
	$(GO) run ./bench/filters -gor ./gor $(BENCH)

bench-link: build
	$(GO) run ./bench/link $(BENCH) ./gor

bench-kafka: build
	$(GO) run ./bench/kafka $(BENCH) ./gor

bench-memory: build
	$(GO) run ./bench/memory $(BENCH) ./gor

soak: test-deps
	GOR_SOAK_SECONDS=120 $(GO) test -count=1 -v -timeout 20m -run '^TestSoakUnderAbuse$$' ./e2e

release:
	rm -rf dist && mkdir dist
	for arch in amd64 arm64; do \
		GOOS=linux GOARCH=$$arch $(BUILD) -buildvcs=false -o dist/gor-$(VERSION)-linux-$$arch . || exit 1; \
	done
	cd dist && sha256sum gor-* > SHA256SUMS && cat SHA256SUMS

dbuild:
	docker build --target dev -t $(IMAGE) .

dtest:
	docker run --rm --cap-add NET_RAW --cap-add NET_ADMIN --cap-add SYS_ADMIN -v "$(CURDIR)":/src $(IMAGE) make test

dbash:
	docker run --rm -it --cap-add NET_RAW --cap-add NET_ADMIN --cap-add SYS_ADMIN -v "$(CURDIR)":/src $(IMAGE) bash

clean:
	rm -rf gor dist
