#!/usr/bin/env bash
# Installs what the end-to-end tests need besides Rust, outside the tree, and reuses what is there. Source it, so that
# ATTACH_TOOLS is set afterwards, or run it. Needs Node.js >= 20 and Python >= 3.11.
set -euo pipefail

export ATTACH_TOOLS="${ATTACH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/attach-tools}"

attach_install() {
  local here folder from
  here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
  mkdir -p "$ATTACH_TOOLS"
  for folder in idp node; do
    from="$here/$folder/package.json"
    [ "$folder" = node ] && from="$here/clients/package.json"
    # A changed list of packages is installed anew.
    if ! cmp -s "$from" "$ATTACH_TOOLS/$folder/package.json" || [ ! -d "$ATTACH_TOOLS/$folder/node_modules" ]; then
      mkdir -p "$ATTACH_TOOLS/$folder"
      cp "$from" "$ATTACH_TOOLS/$folder/package.json.new"
      (cd "$ATTACH_TOOLS/$folder" && cp package.json.new package.json &&
        { npm install --ignore-scripts --no-audit --no-fund || { rm package.json; exit 1; }; } && rm package.json.new)
    fi
  done
  if ! cmp -s "$here/requirements.txt" "$ATTACH_TOOLS/py/requirements.txt"; then
    [ -x "$ATTACH_TOOLS/py/bin/python" ] || python3 -m venv "$ATTACH_TOOLS/py"
    "$ATTACH_TOOLS/py/bin/python" -m pip install --quiet -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$ATTACH_TOOLS/py/requirements.txt"
  fi
  attach_install_rsyslog
  attach_install_proxies
}

# Debian's rsyslog and what it is linked to, unpacked beside the rest; nothing is installed on the machine.
attach_install_rsyslog() {
  local folder="$ATTACH_TOOLS/rsyslog"
  [ -x "$folder/usr/sbin/rsyslogd" ] && return
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "rsyslog is left out: it is taken from Debian's packages, and there is no apt-get" >&2
    return 0
  }
  rm -rf "$folder.new" && mkdir -p "$folder.new/packages"
  (cd "$folder.new/packages" && apt-get download rsyslog rsyslog-openssl libestr0 libfastjson4 liblognorm5)
  for package in "$folder.new"/packages/*.deb; do dpkg-deb -x "$package" "$folder.new"; done
  rm -rf "$folder.new/packages" "$folder" && mv "$folder.new" "$folder"
}

# HAProxy, and the module of Debian's nginx for what is no HTTP, in the same way.
attach_install_proxies() {
  local folder="$ATTACH_TOOLS/proxies"
  [ -x "$folder/usr/sbin/haproxy" ] && return
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "HAProxy is left out: it is taken from Debian's packages, and there is no apt-get" >&2
    return 0
  }
  rm -rf "$folder.new" && mkdir -p "$folder.new/packages"
  (cd "$folder.new/packages" && apt-get download haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 libnginx-mod-stream)
  for package in "$folder.new"/packages/*.deb; do dpkg-deb -x "$package" "$folder.new"; done
  rm -rf "$folder.new/packages" "$folder" && mv "$folder.new" "$folder"
}

attach_install
