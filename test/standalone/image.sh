#!/bin/sh
# An image of one static busybox, as a docker-archive: there is no registry in tests.
#
#   image.sh NAME OUT [COMMAND]   COMMAND: what its containers run, as JSON (default ["sh"])
set -eu
name=$1 out=$2 command=${3:-'["sh"]'}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/bin" "$work/image"
cp "$(command -v busybox)" "$work/root/bin/busybox"
for applet in $("$work/root/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$work/root/bin/$applet"
done
tar -C "$work/root" --owner=0 --group=0 --sort=name --mtime=@0 -cf "$work/image/layer.tar" .
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":{%s},%s}' \
  amd64 "\"Env\":[\"PATH=/bin\"],\"Cmd\":$command" \
  "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$layer\"]}" > "$work/image/config.json"
config=$(sha256sum "$work/image/config.json" | cut -d' ' -f1)
mv "$work/image/config.json" "$work/image/$config.json"
printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$config" "$name" \
  > "$work/image/manifest.json"
tar -C "$work/image" -cf "$out" manifest.json "$config.json" layer.tar
