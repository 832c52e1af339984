# shellcheck shell=bash
# One run of the virtual machine: the Node image, the emulator, the way out of what the command prints.
#
# Needs: TB, WORK, TOOLS, KERNEL, KERNEL_VERSION and the options of testbed.sh.

# A small file system that the guest maps straight from this machine's page cache.
node_image() { # node_image BINARY: sets NODE_IMAGE, made once per binary
  local tree=$WORK/node-image size
  NODE_IMAGE=$TB/node-$(stat -c '%s-%Y' "$1").img
  [ ! -f "$NODE_IMAGE" ] || return 0
  size=$((($(stat -c %s "$1") / 1048576 + 16) / 16 * 16 + 16))
  mkdir -p "$tree"; cp "$1" "$tree/node"
  with_tools mke2fs -q -t ext4 -O ^has_journal -b 4096 -m 0 -d "$tree" "$WORK/node.img" ${size}M \
    > "$WORK/mke2fs" 2>&1 || { cat "$WORK/mke2fs" >&2; say "cannot make the image of $1"; exit 125; }
  mv "$WORK/node.img" "$NODE_IMAGE"; rm -rf "$tree"
}

# qemu takes a comma in a value doubled.
value() { printf '%s' "${1//,/,,}"; }

share() { # share TAG FOLDER [readonly=on]
  EMULATOR+=(-fsdev "local,id=$1,path=$(value "$2"),${3:+$3,}security_model=none,multidevs=remap"
    -device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

# The command line of the emulator, in EMULATOR. Four SR-IOV adapters; 1 and 2 share a wire, so do 3 and 4.
emulator() {
  local i acceleration
  read -ra acceleration <<< "${ACCEL:--accel tcg,thread=multi,tb-size=512 -cpu max}"
  EMULATOR=("$TOOLS/usr/bin/qemu-system-x86_64" -L "$TOOLS/usr/share/qemu" -L "$TOOLS/usr/share/seabios"
    -L "$TOOLS/usr/lib/ipxe/qemu" "${acceleration[@]}" -M q35 -smp "$CPUS"
    -m "$MEMORY,slots=2,maxmem=$((MEMORY + 4096))M" -nodefaults -no-user-config -no-reboot -display none
    -serial "file:$(value "$WORK")/console" -kernel "$KERNEL/vmlinuz" -initrd "$KERNEL/initrd"
    -append "console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off $APPEND" -device virtio-serial-pci)
  for i in out err; do
    EMULATOR+=(-chardev "file,id=$i,path=$(value "$WORK")/$i" -device "virtserialport,chardev=$i,name=$i")
  done
  share ctl "$WORK"
  share root / readonly=on
  share tools "$TOOLS" readonly=on
  share mods "$KERNEL/root/usr/lib/modules/$KERNEL_VERSION" readonly=on
  share host "$SHARE"
  [ -z "$NODE" ] || EMULATOR+=(-object "memory-backend-file,id=node,mem-path=$(value "$NODE_IMAGE"),size=$(
    stat -c %s "$NODE_IMAGE"),share=off,readonly=on,rom=off" -device virtio-pmem-pci,memdev=node)
  for i in 1 2 3 4; do
    EMULATOR+=(-netdev "hubport,id=n$i,hubid=$(((i - 1) / 2))"
      -device "pcie-root-port,id=rp$i,chassis=$i,slot=$i"
      -device "igb,bus=rp$i,netdev=n$i,mac=52:54:00:00:0$i:00")
  done
  read -ra i <<< "$QEMU_ARGS"
  EMULATOR+=("${i[@]}")
}

# What the guest reads when it starts.
control_files() { # control_files COMMAND [ARG...]
  local setting
  mkfifo "$WORK/out" "$WORK/err"
  mkdir "$WORK/door"
  printf 'SHARE=%q NODE=%q DOOR=%q\n' "$SHARE" "$NODE" "$DOOR" > "$WORK/conf"
  {
    for setting in "${ENVIRONMENT[@]}"; do printf 'export %q\n' "$setting"; done
    printf 'exec'; printf ' %q' "$@"; echo
  } > "$WORK/command"
  cp "$HERE/guest/pid1.sh" "$WORK/pid1.sh"
}

# A boot takes 6 to 30 s. Once in a great while one stands still; it is ended and tried again.
BOOT_LIMIT=90 BOOT_TRIES=3

# False when the machine stands still: neither ended nor at its command in time.
boot() {
  local name=boot-$KERNEL_VERSION title="boot of kernel $KERNEL_VERSION"
  start emulate
  follow "$title" s "$(usual_seconds "$name")" '' "$WORK/started" "$BOOT_LIMIT"
  if [ -e "$WORK/started" ]; then followed "$title" 0; remember_seconds "$name"; return 0; fi
  ! kill -0 "$JOB" 2> /dev/null
}

run() { # run COMMAND [ARG...]: its exit status, or 70, 124, 125
  local ended=0 output errors try
  [ -z "$NODE" ] || node_image "$NODE"
  control_files "$@"
  emulator
  # held open, so that neither side waits for the other and the readers end when we let go
  exec 7<> "$WORK/out" 8<> "$WORK/err"
  for ((try = 1; ; try++)); do
    ! boot || break
    say "the machine stands still after $BOOT_LIMIT s (try $try of $BOOT_TRIES); its console ends with:"
    tail -5 "$WORK/console" >&2 || :
    end_job
    [ "$try" -lt "$BOOT_TRIES" ] || return 125
    rm -f "$WORK"/{console,emulator,started,status,complaints}
  done
  cat 7>&- 8>&- < "$WORK/out" & output=$!
  cat 7>&- 8>&- < "$WORK/err" >&2 & errors=$!
  wait "$JOB" || ended=$?
  JOB=
  exec 7>&- 8>&-
  wait "$output" "$errors" || :
  grep -v 'not connected to host network' "$WORK/emulator" >&2 || :
  [ -z "$CONSOLE" ] || tr -d '\r' < "$WORK/console" >&2
  verdict "$ended"
}

# Ends with this script, however that ends.
emulate() {
  LD_LIBRARY_PATH=$TOOLS_LIBS exec setpriv --pdeathsig TERM timeout --foreground -k 5 "$LIMIT" \
    "${EMULATOR[@]}" 2> "$WORK/emulator" 7>&- 8>&-
}

verdict() { # verdict STATUS-OF-THE-EMULATOR
  local status
  if [ -f "$WORK/status" ]; then
    status=$(< "$WORK/status")
    if [ -s "$WORK/complaints" ]; then
      say "the kernel complained:"; cat "$WORK/complaints" >&2
      [ "$status" != 0 ] || status=70
    fi
    return "$status"
  fi
  if [ "$1" = 124 ] || [ "$1" = 137 ]; then
    say "stopped after $LIMIT s"; tail -5 "$WORK/console" >&2
    return 124
  fi
  say "the guest died"; tail -40 "$WORK/console" >&2 || :
  return 125
}

# door COMMAND [ARG...]: in the guest of a running `run --door`; its output comes when it ends.
door() {
  local folder=$1 id status; shift
  id=$folder/door/$$
  { printf 'exec'; printf ' %q' "$@"; echo; } > "$id.new"
  mv "$id.new" "$id.cmd"
  until [ -f "$id.status" ]; do
    [ -d "$folder" ] && kill -0 "${folder##*.}" 2> /dev/null || { say "the guest is gone"; return 125; }
    sleep 0.1
  done
  cat "$id.out"; cat "$id.err" >&2
  status=$(< "$id.status")
  rm -f "$id".*
  return "$status"
}
