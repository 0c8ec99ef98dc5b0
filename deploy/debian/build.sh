#!/bin/sh
# Makes attach-gateway_VERSION-1_ARCH.deb of a built program, with dpkg-deb alone:
#
#   cargo build --locked --profile dist -p attach-gateway --no-default-features
#   deploy/debian/build.sh target/dist/attach-gateway [FOLDER]
#
# SOURCE_DATE_EPOCH makes two builds the same. COMPRESSION=none saves a test the time.
set -eu
umask 022
program=$(readlink -f "$1")
out=$(readlink -f "${2:-.}")
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
arch=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date +%s)}
export SOURCE_DATE_EPOCH
date=$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package=$work/package
share=$package/usr/share
doc=$share/doc/attach-gateway

put() { install -D -m "$1" "$2" "$3"; }
pressed() { mkdir -p "$(dirname "$1")" && gzip -9n > "$1"; }

put 0755 "$program" "$package/usr/bin/attach-gateway"
# The folder is made for its user by postinst; a user of its own keeps it after the unit has stopped.
mkdir -p "$package/usr/lib/systemd/system" "$package/etc/attach"
sed -e 's#/usr/local/bin/#/usr/bin/#' -e 's/^DynamicUser=yes$/DynamicUser=no\nGroup=attach/' \
  -e 's/^# A user that exists while it runs\./# The user of the package./' \
  "$root/deploy/systemd/attach-gateway.service" > "$package/usr/lib/systemd/system/attach-gateway.service"
# Nobody is let in before somebody has written who is.
sed -e 's#^\#:schema .*#\#:schema /usr/share/attach-gateway/attach.schema.json#' \
  -e '/^\[\[access\.allow\]\]$/,/^$/s/^\([^#]\)/#\1/' \
  "$root/docs/attach.example.toml" > "$package/etc/attach/attach.toml"
put 0644 "$root/docs/attach.schema.json" "$share/attach-gateway/attach.schema.json"

"$program" completions bash > "$work/bash"
"$program" completions zsh > "$work/zsh"
"$program" completions fish > "$work/fish"
put 0644 "$work/bash" "$share/bash-completion/completions/attach-gateway"
put 0644 "$work/zsh" "$share/zsh/vendor-completions/_attach-gateway"
put 0644 "$work/fish" "$share/fish/vendor_completions.d/attach-gateway.fish"
"$program" man --out "$work/man"
for page in "$work"/man/*.1; do pressed "$share/man/man1/$(basename "$page").gz" < "$page"; done

put 0644 "$here/copyright" "$doc/copyright"
pressed "$doc/changelog.gz" < "$root/CHANGELOG.md"
pressed "$doc/changelog.Debian.gz" <<END
attach-gateway ($version-1) unstable; urgency=medium

  * Built from the sources; what changed is in changelog.gz.

 -- The Attach authors <packages@attach.invalid>  $date
END

control=$package/DEBIAN
mkdir -p "$control"
for script in postinst prerm postrm; do put 0755 "$here/scripts/$script" "$control/$script"; done
echo /etc/attach/attach.toml > "$control/conffiles"
# What the program is linked with, where the tool that knows is installed.
depends="libc6, libgcc-s1"
if command -v dpkg-shlibdeps > /dev/null; then
  mkdir -p "$work/debian" && : > "$work/debian/control"
  depends=$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info "$package/usr/bin/attach-gateway" 2> /dev/null \
    | sed -n 's/^shlibs:Depends=//p')
fi
sed -e "s/@VERSION@/$version-1/" -e "s/@ARCH@/$arch/" -e "s/@DEPENDS@/$depends/" \
  -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$package" | cut -f1)/" "$here/control" > "$control/control"
(cd "$package" && find etc usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) > "$control/md5sums"
find "$package" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

deb=$out/attach-gateway_$version-1_$arch.deb
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$package" "$deb" > /dev/null
echo "$deb"
