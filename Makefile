# The front door. Every target sets up what it needs by itself, on a fresh Debian bookworm too.
#
#   make            set up and build: the shim, the addon, the bundles; then bin/verbena works
#   make lab        the guide from its YAML to a ping between two pods; GROUND=vm|host|sim KEEP=1
#   make test       tiers 0 and 1 (tier 1 wants root, and says what it skips)
#   make test-vm    tier 2: the kernel's own ib_ipoib in a throw-away VM; KERNEL=6.12|6.1|7
#   make histories  a million operations with crashes, lost answers, slow stores, held to a model
#   make bench      the budgets, each beside its peer
#   make check      the offline gate: types, lint, format, layers, sizes, words, docs, licences
#   make clean      remove what was built; `make distclean` also what was downloaded
MAKEFLAGS += --no-print-directory
NODE := node_modules/node/bin/node
KERNEL ?= 6.12
GROUND ?=
KEEP ?=

.PHONY: all help setup setup-peer runtimes build lab test test-vm histories bench check generate clean distclean
all: build

help:
	@sed -n '2,/^[^#]/s/^#   //p' Makefile

setup:
	@scripts/setup.sh

setup-peer:
	@scripts/setup.sh --peer

# containerd and podman for tier 1, unpacked in .testbed; without them those tests skip and say why
runtimes:
	@[ "$$(id -u)" != 0 ] || test/standalone/runtimes.sh || true

include native/native.mk

build/verbena-cni build/netns.node: | setup

build: setup native
	@$(NODE) scripts/build.ts

lab: build
	@bin/verbena lab $(if $(GROUND),--ground $(GROUND)) $(if $(KEEP),--keep)

test: setup-peer runtimes build
	@$(NODE) --run test

# Skipping is no failure, but it is said, and build/test-vm.skipped tells the caller.
test-vm: build
	@rm -f build/test-vm.skipped; status=0; \
	test/testbed/run-tests.sh $(KERNEL) || status=$$?; \
	if [ $$status = 77 ]; then touch build/test-vm.skipped; status=0; fi; exit $$status

# As many as make it likely that what can be found is found; a failing seed is printed.
histories: setup
	@$(NODE) test/histories/run.ts --level addresses --operations 1000000 $(if $(SEED),--seed $(SEED))
	@$(NODE) test/histories/run.ts --level whole --operations 30000 $(if $(SEED),--seed $(SEED))

bench: setup-peer build
	@$(NODE) scripts/bench.ts

check: setup
	@$(NODE) scripts/check.ts

generate: setup
	@$(NODE) scripts/generate.ts

clean:
	rm -rf build dist

distclean: clean
	rm -rf node_modules .testbed
