# shellcheck shell=bash
# The emulator and whatever else this machine lacks, unpacked beside the system; in the guest they lie
# under its root.
#
# Needs: TB (cache). Sets: TOOLS (the unpacked tree), TOOLS_LIBS.

TOOLS_PACKAGES=(busybox-static kmod cpio make gcc-12 xz-utils iproute2 iputils-ping procps
  libatomic1 libstdc++6 e2fsprogs)

with_tools() {
  PATH=$PATH:/usr/sbin:/sbin:$TOOLS/usr/bin:$TOOLS/usr/sbin LD_LIBRARY_PATH=$TOOLS_LIBS "$@"
}

tools() {
  TOOLS=$TB/tools
  TOOLS_LIBS=$TOOLS/usr/lib/x86_64-linux-gnu:$TOOLS/usr/lib
  [ ! -f "$TOOLS/.ok" ] || return 0
  local apt=$TB/apt/tools list name
  rm -rf "$TOOLS"; mkdir -p "$TOOLS"; unfinished "$TOOLS"
  apt_lists "$apt" bookworm bookworm-updates bookworm-backports
  # the emulated SR-IOV adapter igb came with QEMU 8: backports
  list=$( { apt_missing "$apt" -t bookworm-backports qemu-system-x86 \
      && apt_missing "$apt" "${TOOLS_PACKAGES[@]}"; } | grep -v '^qemu-user' | sort -u) \
    || skip "apt cannot work out the packages of the emulator: $(apt_reason)"
  case $list in *busybox-static=*) ;; *) list="$list busybox-static" ;; esac
  # shellcheck disable=SC2086  # a list of words
  apt_download "$apt" /var/lib/dpkg/status "the emulator and tools" "$WORK/debs" $list \
    || skip "cannot download the emulator from $MIRROR: $(apt_reason)"
  unpack "the emulator and tools" "$TOOLS" "$WORK"/debs/*.deb || skip "cannot unpack the emulator in $TOOLS"
  if [ -f "$TOOLS/usr/bin/kmod" ]; then
    for name in depmod modprobe insmod rmmod modinfo lsmod; do
      ln -sfn ../bin/kmod "$TOOLS/usr/sbin/$name"
    done
  fi
  rm -rf "$WORK/debs" "$apt"/cache/*.bin
  touch "$TOOLS/.ok"; finished
}

packages() { # packages NAME...: more packages for the guest; those the machine has come with its root
  local lacking=() name
  for name in "$@"; do [ -f "$TOOLS/.package-$name" ] || lacking+=("$name"); done
  [ ${#lacking[@]} -gt 0 ] || return 0
  # the lists that came with the tools may be older than what the mirror still has
  [ -f "$TB/apt/tools/sources.list" ] && packages_fetch "${lacking[@]}" || {
    apt_lists "$TB/apt/tools" bookworm bookworm-updates bookworm-backports
    packages_fetch "${lacking[@]}" || skip "cannot fetch ${lacking[*]} from $MIRROR: $(apt_reason)"
  }
  for name in "${lacking[@]}"; do touch "$TOOLS/.package-$name"; done
}
packages_fetch() {
  local apt=$TB/apt/tools list
  list=$(apt_missing "$apt" "$@") || return
  [ -n "$list" ] || return 0
  # shellcheck disable=SC2086  # a list of words
  apt_download "$apt" /var/lib/dpkg/status "$*" "$WORK/debs" $list \
    && unpack "$*" "$TOOLS" "$WORK"/debs/*.deb && rm -rf "$WORK/debs"
}
