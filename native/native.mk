# Builds the only C of the project: build/verbena-cni (the CNI shim, static) and build/netns.node
# (the Node-API addon). Included by the Makefile at the top of the tree; paths are relative to it.
#
#   make native          both, when a source is newer
#   make -f native/native.mk native    the same without the top Makefile

NATIVE_WARNINGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes
NODE_API_HEADERS := node_modules/node-api-headers/include

.PHONY: native
native: build/verbena-cni build/netns.node

# musl starts in 0.2 ms where a static glibc takes 0.5 ms; CNI starts one process per interface.
# The file is replaced by a rename, because a runtime may be executing the old one.
build/verbena-cni: native/shim.c native/native.mk
	@mkdir -p build
	@if ! command -v musl-gcc >/dev/null; then \
	  echo 'native: musl-gcc is absent: installing the package musl-tools' >&2; \
	  { timeout 300 apt-get install -y --no-install-recommends musl-tools || \
	    { timeout 300 apt-get update && \
	      timeout 300 apt-get install -y --no-install-recommends musl-tools; }; } \
	    >build/musl-tools.log 2>&1 || true; \
	fi
	@if command -v musl-gcc >/dev/null; then compiler=musl-gcc; else compiler=cc; \
	  echo 'native: musl-tools cannot be had (build/musl-tools.log): the shim is linked' \
	    'with a static glibc and starts in about 0.5 ms, not 0.2 ms' >&2; fi; \
	echo "native: $$compiler -static: $@"; \
	$$compiler -static -Os $(NATIVE_WARNINGS) -s -o $@.tmp native/shim.c && mv $@.tmp $@

build/netns.node: native/netns.c native/native.mk
	@mkdir -p build
	@test -f $(NODE_API_HEADERS)/node_api.h || \
	  { echo 'native: $(NODE_API_HEADERS) is absent: run npm ci first' >&2; exit 1; }
	@echo "native: cc -shared: $@"
	@cc -shared -fPIC -O2 -fvisibility=hidden -DNAPI_VERSION=8 $(NATIVE_WARNINGS) \
	  -isystem $(NODE_API_HEADERS) -o $@.tmp native/netns.c && mv $@.tmp $@
