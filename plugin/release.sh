#!/bin/sh
#
# Functions that take the program of a release: for install.sh here, and for
# tools/run-release, which GitHub Actions and pre-commit run from a checkout.
# Nothing here needs Rust.
#
# shellcheck disable=SC2034 # who reads this file uses what it sets

suffix=
# Helm for Windows runs this with the shell of Git.
case $(uname -s) in
MINGW* | MSYS* | CYGWIN*) suffix=.exe ;;
esac

say() {
    printf '%s\n' "$@"
}

# This machine in the words of plugin.yaml, such as linux-amd64.
platform() {
    case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN*) os=windows ;;
    *) os=$(uname -s) ;;
    esac
    case $(uname -m) in
    x86_64 | amd64) say "$os-amd64" ;;
    aarch64 | arm64) say "$os-arm64" ;;
    *) say "$os-$(uname -m)" ;;
    esac
}

# Writes what is at the address $1 to the file $2. From https to nothing else.
fetch() {
    case $1 in
    https://*) protocols='=https' ;;
    *) protocols='=http,https' ;;
    esac
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --proto "$protocols" --connect-timeout 20 --retry 2 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --output-document="$2" "$1"
    else
        say 'there is neither curl nor wget' >&2
        return 1
    fi
}

checksum() {
    { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | sed 's/ .*//'
}

# Puts the program of the release into the folder $2. The sources in the folder $1
# say which: plugin.yaml its version, `repository` in Cargo.toml where it is.
# Where it cannot be had, `reason` says why, and the result is 1. It is 2 where the
# archive is not the one that the release lists: that is no reason to go on.
take_release() {
    version=$(sed -n 's/^version: *//p' "$1/plugin.yaml")
    address=$(sed -n 's/^repository = "\(.*\)"$/\1/p' "$1/Cargo.toml")
    if [ -z "$address" ]; then
        reason='there is no release to take a binary from: Cargo.toml names no repository'
        return 1
    fi
    release=${address%/}/releases/download/v$version
    name=resecret-$version-$(platform)
    folder=$2/download
    rm -rf "$folder"
    if ! mkdir -p "$folder" || ! fetch "$release/SHA256SUMS" "$folder/SHA256SUMS" ||
        ! fetch "$release/$name.tar.gz" "$folder/$name.tar.gz"; then
        rm -rf "$folder"
        reason="$release/$name.tar.gz cannot be had"
        return 1
    fi
    listed=$(sed -n "s/^\([0-9a-f]*\) [ *]$name\.tar\.gz\$/\1/p" "$folder/SHA256SUMS")
    if [ -z "$listed" ] || [ "$listed" != "$(checksum "$folder/$name.tar.gz")" ]; then
        rm -rf "$folder"
        reason="the checksum of $release/$name.tar.gz is not the one in SHA256SUMS there"
        return 2
    fi
    # With the time of now: a binary that is older than the sources would be built again.
    if ! tar -xzmf "$folder/$name.tar.gz" -C "$folder" ||
        ! mv -f "$folder/$name/resecret$suffix" "$2/resecret$suffix"; then
        rm -rf "$folder"
        reason="$release/$name.tar.gz cannot be unpacked"
        return 1
    fi
    rm -rf "$folder"
}
