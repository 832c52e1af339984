# shellcheck shell=bash
# Debian packages by a private apt configuration: the sources, lists and packages of the machine stay
# as they are. Signatures are checked, the age of a mirror is not.
#
# Needs: TB (cache), WORK (folder of this run). Sets: MIRROR.

KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror that the machine itself uses, unless MIRROR says another.
find_mirror() {
  MIRROR=${MIRROR:-$(sed -n \
    -e 's/^URIs: *\([^ ]*\/debian\/\{0,1\}\)$/\1/p' \
    -e 's/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*\/debian\/\{0,1\}\) .*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2> /dev/null | head -1 || :)}
  [ -n "$MIRROR" ] || skip "no Debian mirror in this machine's apt sources; set MIRROR"
}

apt_in() { # apt_in FOLDER STATUS COMMAND...: STATUS is the dpkg status to count as installed
  local folder=$1 status=$2 command=$3; shift 3
  LC_ALL=C "$command" -qq \
    -o Dir::State::status="$status" -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" \
    -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none -o Acquire::GzipIndexes=true \
    -o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::Check-Valid-Until=false \
    -o APT::Update::Error-Mode=any -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 \
    -o APT::Update::Post-Invoke::= -o DPkg::Post-Invoke::= "$@"
}

# The last thing apt complained about, in one line.
apt_reason() {
  local reason
  reason=$(grep -E '^(E|Err|W):' "$WORK/apt.log" 2> /dev/null | head -1 | cut -c4-200)
  echo "${reason:-apt gave no reason}"
}

# tried TITLE COMMAND...: three tries, because mirrors hiccup. What failed is in apt_reason then.
tried() {
  local title=$1 try; shift
  for try in 1 2 3; do
    ! "$@" || return 0
    [ "$try" = 3 ] || { say "$title failed ($(apt_reason)), trying again"; sleep "$try"; }
  done
  return 1
}
logged() { "$@" > "$WORK/apt.log" 2>&1; }

apt_lists() { # apt_lists FOLDER SUITE...: package lists of these suites
  local folder=$1 suite; shift
  mkdir -p "$folder"/{lists/partial,cache/archives/partial}
  for suite in "$@"; do echo "deb [signed-by=$KEYS] $MIRROR $suite main"; done > "$folder/sources.list"
  tried "download of package lists" \
    step "download of package lists" 0 "bytes_in $folder/lists" \
    logged apt_in "$folder" /dev/null apt-get update \
    || skip "no package lists of $* from $MIRROR: $(apt_reason)"
}

# What installing PACKAGE... would add to the machine, one name=version a line.
apt_missing() { # apt_missing FOLDER [APT-OPTION...] PACKAGE...
  local folder=$1; shift
  apt_in "$folder" /var/lib/dpkg/status apt-get -s install --no-install-recommends "$@" 2> "$WORK/apt.log" \
    | awk '/^Inst/ { for (i = 3; i <= NF; i++) if ($i ~ /^\(/) { print $2 "=" substr($i, 2); break } }'
}

apt_download() { # apt_download FOLDER STATUS TITLE INTO PACKAGE...
  local folder=$1 status=$2 title="download of $3" into=$4 bytes; shift 4
  mkdir -p "$into"
  bytes=$(apt_in "$folder" "$status" apt-get download --print-uris "$@" 2> "$WORK/apt.log" \
    | awk '{ bytes += $3 } END { print bytes + 0 }') || return 1
  tried "$title" step "$title" "$bytes" "bytes_in $into $folder/cache/archives" \
    logged apt_download_into "$into" "$folder" "$status" "$@"
}
apt_download_into() {
  local into=$1 folder=$2 status=$3; shift 3
  cd "$into" && apt_in "$folder" "$status" apt-get download "$@"
}

# unpack TITLE FOLDER DEB...: merged /usr whatever the package says; without what no test needs.
unpack() {
  local title=$1 folder=$2 bytes; shift 2
  bytes=$(unpacked_bytes "$@") || return
  rm -f "$WORK/unpacked"
  step "unpacking of $title" "$bytes" "cat $WORK/unpacked" unpack_into "$folder" "$@"
}
unpacked_bytes() {
  local deb
  for deb in "$@"; do dpkg-deb -f "$deb" Installed-Size || return; done \
    | awk '{ kib += $1 } END { printf "%d\n", kib * 1024 }'
}
unpack_into() {
  local folder=$1 deb dir; shift
  mkdir -p "$folder/usr"/{bin,sbin,lib,lib64} || return
  for dir in bin sbin lib lib64; do ln -sfn "usr/$dir" "$folder/$dir" || return; done
  export METER="$WORK/unpacked" BEFORE=0
  for deb in "$@"; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$folder" --keep-directory-symlink --no-same-owner \
      --warning=no-timestamp --checkpoint=1000 \
      --checkpoint-action='exec=echo $((BEFORE + TAR_CHECKPOINT * 10240)) > "$METER"' \
      --exclude=./usr/share/{doc,man,locale,info,lintian} \
      --exclude='*/drivers/'{gpu,media,iio,isdn,staging,comedi,hwmon,usb,hid,input,mmc,mtd,ata} \
      --exclude='*/drivers/'{message,video,bluetooth,nfc,leds,power,rtc,w1} \
      --exclude='*/kernel/sound' --exclude='*/net/wireless' --exclude='*/net/mac80211' || return
    BEFORE=$((BEFORE + $(unpacked_bytes "$deb"))) || return
  done
}
