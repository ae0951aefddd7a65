#!/bin/sh
# Installs what boots the package in a container, and with `arm64` also what emulates that processor. Debian only.
set -eu
packages="e2fsprogs lintian mmdebstrap systemd-container"
[ "${1:-}" != arm64 ] || packages="$packages arch-test qemu-system-arm qemu-user-static"
missing=""
for package in $packages; do
  dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "missing:$missing" >&2
  echo "hint: the boot tests need a Debian system, and root" >&2
  exit 1
fi
echo "installing$missing"
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo -n"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
