# shellcheck shell=bash
# A Debian kernel with its modules, the module ibfake built for it, and the initramfs that boots it.
#
# Needs: TB (cache), TOOLS, HERE (folder of testbed.sh). Sets: KERNEL (folder), KERNEL_VERSION.

suite_of() { # suite_of KERNEL
  case $1 in
    6.1 | 6.1.*) echo bookworm ;;
    6.12 | 6.12.*) echo bookworm-backports ;;
    7 | 7.*) echo sid ;;
    bookworm | bookworm-backports | trixie | sid) echo "$1" ;;
    *) say "unknown kernel '$1': give 6.1, 6.12, 7 or a Debian suite"; return 2 ;;
  esac
}

kernel() { # kernel WANTED
  local suite hash
  suite=$(suite_of "$1") || exit 2
  KERNEL=$TB/kernel-$suite
  [ -f "$KERNEL/.ok" ] || kernel_fetch "$1" "$suite"
  KERNEL_VERSION=$(cat "$KERNEL/version")
  as_wanted "$1" "there is in $TB"
  # the place belongs to what was built: a cache that was moved is built anew
  hash=$( { cat "$HERE"/{ibfake.c,gcc-12.sh,host/kernel.sh,guest/initramfs.sh}; echo "$KERNEL"; } \
    | sha256sum | cut -c1-16)
  [ "$(cat "$KERNEL/.built" 2> /dev/null)" != "$hash" ] || return 0
  timed_step "build-$KERNEL_VERSION" "build of ibfake for kernel $KERNEL_VERSION" kernel_build \
    || { cat "$KERNEL/mod/log" >&2; say "ibfake does not build for kernel $KERNEL_VERSION"; exit 125; }
  echo "$hash" > "$KERNEL/.built"
}

as_wanted() { # as_wanted WANTED WHERE: a suite takes what there is, a version must be met
  case $1 in [0-9]*) ;; *) return 0 ;; esac
  case $KERNEL_VERSION in "${1%.x}" | "${1%.x}"[.+-]*) ;; *)
    skip "no kernel $1: what $2 is ${KERNEL_VERSION:-none}" ;;
  esac
}

kernel_fetch() { # kernel_fetch WANTED SUITE
  local wanted=$1 suite=$2 apt=$TB/apt/$2 base name list=()
  rm -rf "$KERNEL"; mkdir -p "$KERNEL/lib"; unfinished "$KERNEL"
  apt_lists "$apt" "$suite"
  KERNEL_VERSION=$(apt_in "$apt" /dev/null apt-cache show linux-image-amd64 \
    | sed -n 's/^Depends:.*linux-image-\([0-9][^ ,]*-amd64\).*/\1/p' | head -1)
  base=${KERNEL_VERSION%-amd64}
  as_wanted "$wanted" "Debian $suite has now"
  # the packaging of a kernel differs between the suites: take those of these names that there are
  for name in linux-{image,base,binary,modules,headers}-"$KERNEL_VERSION" linux-headers-"$base"-common \
    linux-kbuild-"$base" linux-kbuild-6.1; do
    ! apt_in "$apt" /dev/null apt-cache show "$name" > /dev/null 2>&1 || list+=("$name")
  done
  case $suite in bookworm*) ;; *) list+=(libc6 libelf1t64 libssl3t64 zlib1g libzstd1) ;; esac
  apt_download "$apt" /dev/null "kernel $KERNEL_VERSION" "$WORK/debs" "${list[@]}" \
    || skip "cannot download kernel $KERNEL_VERSION from $MIRROR: $(apt_reason)"
  unpack "kernel $KERNEL_VERSION" "$KERNEL/root" "$WORK"/debs/linux-*.deb \
    || skip "cannot unpack kernel $KERNEL_VERSION in $KERNEL"
  rm -f "$WORK"/debs/linux-*.deb
  # build tools newer than this machine's C library get their own
  set -- "$WORK"/debs/*.deb
  [ ! -f "$1" ] || unpack_into "$KERNEL/lib" "$@" || skip "cannot unpack the C library in $KERNEL"
  rm -rf "$WORK/debs" "$apt"
  # with vmlinux there the build asks for pahole
  rm -f "$KERNEL/root/usr/src/linux-headers-$KERNEL_VERSION/vmlinux"
  cp "$KERNEL/root/boot/vmlinuz-$KERNEL_VERSION" "$KERNEL/vmlinuz" 2> /dev/null \
    || cp "$KERNEL/root/usr/lib/modules/$KERNEL_VERSION/vmlinuz" "$KERNEL/vmlinuz"
  echo "$KERNEL_VERSION" > "$KERNEL/version"
  touch "$KERNEL/.ok"; finished
}

kernel_build() {
  local headers=$KERNEL/root/usr/src/linux-headers-$KERNEL_VERSION mod=$KERNEL/mod
  local modules=$KERNEL/root/usr/lib/modules/$KERNEL_VERSION
  rm -rf "$mod"; mkdir -p "$mod" "$modules/extra" || return
  {
    sed -i "s#[^ =]*/usr/src/#$KERNEL/root/usr/src/#" "$headers/Makefile" \
      && build_tools_with_own_libc \
      && cp "$HERE/ibfake.c" "$mod/" && echo 'obj-m := ibfake.o' > "$mod/Makefile" \
      && with_tools make -s -C "$headers" M="$mod" CC="$HERE/gcc-12.sh" modules \
      && cp "$mod/ibfake.ko" "$modules/extra/" && rm -f "$modules/build" "$modules/source" \
      && with_tools depmod -b "$KERNEL/root" "$KERNEL_VERSION" && initramfs
  } > "$mod/log" 2>&1
}

# Programs of linux-kbuild that were linked against a newer C library than Debian 12's are started by
# that library's own loader.
build_tools_with_own_libc() {
  local file loader
  loader=$(find "$KERNEL/lib" -name ld-linux-x86-64.so.2 | head -1)
  [ -n "$loader" ] || return 0
  find -L "$KERNEL"/root/usr/lib/linux-kbuild-* -type f -perm /111 ! -name '*.real' | while read -r file; do
    [ -f "$file.real" ] || grep -qaE 'GLIBC_2\.(3[7-9]|[4-9][0-9])' "$file" || continue
    [ -f "$file.real" ] || mv "$file" "$file.real" || return
    printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' \
      "$loader" "$KERNEL/lib/usr/lib/x86_64-linux-gnu" "$file.real" > "$file" && chmod +x "$file" || return
  done
}

# The few modules that the way to the root file system needs. "order" lists those loaded always,
# "pmem" those for the Node image.
initramfs() {
  local tree=$WORK/initramfs module kind file name
  rm -rf "$tree"; mkdir -p "$tree"/{bin,dev,proc,sys,m,ro,q,rw,ctl,newroot} || return
  cp "$TOOLS/bin/busybox" "$tree/bin/" && ln -s busybox "$tree/bin/sh" || return
  : > "$tree/m/order"
  : > "$tree/m/pmem"
  for module in virtio_pci virtio_console 9p 9pnet_virtio overlay ext4 nd_pmem virtio_pmem; do
    # what is built into the kernel has no file
    with_tools modprobe -d "$KERNEL/root" -S "$KERNEL_VERSION" --show-depends "$module" 2> /dev/null \
      | while read -r kind file _; do
        name=$(basename "$file" .xz)
        [ "$kind" = insmod ] && [ ! -f "$tree/m/$name" ] || continue
        case $file in
          *.xz) with_tools xz -dc "$file" > "$tree/m/$name" ;;
          *) cp "$file" "$tree/m/$name" ;;
        esac || return
        case $module in
          ext4 | *pmem) echo "$name" >> "$tree/m/pmem" ;;
          *) echo "$name" >> "$tree/m/order" ;;
        esac
      done || :
  done
  cp "$HERE/guest/initramfs.sh" "$tree/init" && chmod +x "$tree/init" || return
  (cd "$tree" && find . | with_tools cpio -o -H newc) > "$KERNEL/initrd" && rm -rf "$tree"
}
