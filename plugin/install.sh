#!/bin/sh
#
# What `helm plugin install` and `helm plugin update` run, see plugin.yaml.
#
# Puts the binary in place: a packaged one; for a clone that Helm has made, the one
# of the release, if its checksum is the one that the release lists; or else one
# built here with cargo, which fetches the sources of libraries, unless it has them,
# and compares each with its checksum in Cargo.lock. Under Helm 4 it also links a
# second plugin into Helm's plugins folder, because Helm 4 takes a post-renderer by
# the name of a plugin of a kind of its own.
set -eu

plugin=${HELM_PLUGIN_DIR:?is not set: helm plugin install sets it}
# shellcheck source=plugin/release.sh
. "$plugin/plugin/release.sh"

plugins=${plugin%/*}
binary=$plugin/bin/resecret$suffix
second=resecret-post-renderer
# What to install once more. From a folder Helm has made a link to it; what it
# has copied from elsewhere goes when the plugin is uninstalled.
source=SOURCE
[ ! -L "$plugin" ] || source=\"$(cd "$plugin" && pwd -P)\"
version=$(sed -n 's/^version: *//p' "$plugin/plugin.yaml")

# A package holds a binary for each platform. The one for this machine gets the
# name that the messages and the second plugin use; on Windows `ln` may copy.
take_packaged() {
    packaged=resecret-$(platform)$suffix
    if [ -e "$plugin/bin/$packaged" ]; then
        # A link that is there already serves a folder that cannot be written.
        (cd "$plugin/bin" && ln -sf "$packaged" "resecret$suffix" 2>/dev/null) || [ -e "$binary" ] ||
            not_installed "$plugin/bin cannot be written. Make it writable for who runs Helm, or give Helm a folder of" \
                'your own by HELM_DATA_HOME.'
    fi
}

# Says why there is no binary, and what to type when the cause is gone.
not_installed() {
    say "resecret: not installed: $*" \
        'Then install once more:' \
        "  \"$(this_helm)\" plugin uninstall resecret" \
        "  \"$(this_helm)\" plugin install $source" >&2
    exit 1
}

# Prints what is wrong with the binary, and nothing if it belongs to this
# plugin.yaml and to the sources beside it.
problem() {
    if [ ! -e "$binary" ]; then
        say "there is no $binary"
    elif ! said=$("$binary" --version 2>&1); then
        say "$binary does not run here: $said"
    elif [ "${said%% (*}" != "resecret $version" ]; then # the commit is behind the version
        say "$binary is $said and not resecret $version"
    elif [ -n "$(find "$plugin/Cargo.lock" "$plugin/src" -newer "$binary" 2>/dev/null)" ]; then
        say "$binary is older than its sources"
    fi
}

# Leaves an old binary alone until the new one is built. Cargo reads a
# configuration from the folder it runs in.
build() {
    say "resecret: building version $version with cargo, which takes a few minutes and fetches the" \
        'sources of the libraries in Cargo.lock that it does not have, by their checksums'
    (cd "$plugin" && cargo install --quiet --path . --bin resecret --root . \
        --locked --no-track --force)
}

install_binary() {
    take_packaged
    reason=$(problem)
    if [ -z "$reason" ]; then
        say "resecret: found version $version, $binary"
        return
    fi
    if [ -f "$plugin/Cargo.toml" ]; then
        # Helm links a folder of the user's own. Its sources may be newer than any release.
        if [ ! -L "$plugin" ] || ! command -v cargo >/dev/null; then
            found=$reason result=0
            take_release "$plugin" "$plugin/bin" || result=$?
            if [ "$result" -eq 0 ]; then
                reason=$(problem)
                if [ -z "$reason" ]; then
                    say "resecret: took version $version from $release, $binary"
                    return
                fi
            elif [ "$result" -eq 2 ]; then
                not_installed "$reason. Somebody may have changed it on the way."
            fi
            reason="$found, and $reason"
        fi
        if ! command -v cargo >/dev/null; then
            reason="$reason, and there is no cargo to build it with"
        elif ! build; then
            reason="$reason, and the build failed, see above"
        else
            reason=$(problem)
        fi
    fi
    if [ -z "$reason" ]; then
        say "resecret: built version $version, $binary"
        return
    fi
    not_installed "$reason." \
        'Take a release of resecret that holds a binary for this machine, or install Rust' \
        '(https://rustup.rs) and use a checkout of the sources.'
}

# Which major version of Helm the program $1 is.
major() {
    case $(HELM_NO_PLUGINS=1 "$1" version --short 2>/dev/null </dev/null) in
    v3.*) say 3 ;;
    v4.*) say 4 ;;
    esac
}

# Helm 3 tells its hooks where it is, and Helm 4 does not. It is asked for its
# version, because someone may have exported HELM_BIN.
running_helm() {
    if [ -n "${HELM_BIN:-}" ] && [ "$(major "$HELM_BIN")" = 3 ]; then
        say 3
    else
        say 4
    fi
}

# Prints the Helm that runs this hook. There may be another one under the name `helm`.
this_helm() {
    wanted=$(running_helm)
    if [ "$wanted" = 3 ]; then
        say "$HELM_BIN"
        return
    fi
    # It may have started a shell for the hook, and that one this. Where there is no /proc, PATH has to do.
    process=$PPID
    while helm=$(readlink "/proc/$process/exe" 2>/dev/null); do
        case ${helm##*/} in
        helm*)
            if [ "$(major "$helm")" = 4 ]; then
                say "$helm"
                return
            fi
            ;;
        esac
        process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status")
    done
    helm=$(helms 4 | head -n 1)
    say "${helm:-helm}"
}

# Prints the programs on PATH that are Helm of the major version $1.
helms() {
    say "$PATH" | tr ':' '\n' | while read -r folder; do
        for helm in "$folder/helm" "$folder/helm$1"; do
            if [ -x "$helm" ] && [ "$(major "$helm")" = "$1" ]; then
                say "$helm"
            fi
        done
    done
}

# Whether the folder list $1, as in HELM_PLUGINS, has Helm's plugins folder.
lists_plugins() {
    say "$1" | tr ':' '\n' | while read -r folder; do
        if [ "$(cd "$folder" 2>/dev/null && pwd -P)" = "$(cd "$plugins" && pwd -P)" ]; then
            say yes
        fi
    done | grep -q yes
}

# Prints a Helm 3 that loads plugins from the folder that this plugin is in.
# It is asked without the variables that may be set for this one command.
helm3_here() {
    helms 3 | while read -r helm; do
        if lists_plugins "$(unset HELM_DATA_HOME HELM_PLUGINS && HELM_NO_PLUGINS=1 "$helm" env HELM_PLUGINS)"; then
            say "$helm"
            break
        fi
    done
}

# Links the second plugin by a path through this one, so that it goes with it.
link_second() {
    if [ -e "$plugins/$second" ] && [ ! -L "$plugins/$second" ]; then
        say "resecret: left $plugins/$second alone, which is not a link. Remove it and install once more." >&2
        return 1
    fi
    if ! { rm -f "$plugins/$second" && ln -s "${plugin##*/}/plugin/$second" "$plugins/$second"; } 2>/dev/null; then
        say "resecret: not linked: $second, the plugin that Helm 4's --post-renderer takes: $plugins cannot be written." \
            'Make it writable for who runs Helm, or install that plugin alone:' \
            "  \"$(this_helm)\" plugin install \"$plugin/plugin/$second\"" >&2
        return 1
    fi
}

use_with_helm3() {
    say 'resecret: Helm 3 takes the post-renderer by its path:' \
        "  helm upgrade lf ./chart --post-renderer \"$binary\" \\" \
        '    --post-renderer-args --preset=langfuse --post-renderer-args --to=langfuse-vault'
    if [ -n "$(helms 4)" ]; then
        say 'resecret: Helm 4 needs an installation of its own, in a folder that Helm 3 does not read:' \
            "  HELM_DATA_HOME=\"\$HOME/.local/share/helm4\" \"$(helms 4 | head -n 1)\" plugin install $source" \
            'and the same HELM_DATA_HOME whenever it runs.'
    fi
}

use_with_helm4() {
    helm3=$(helm3_here)
    if [ -n "$helm3" ]; then
        say "resecret: not linked: $second, the plugin that Helm 4's --post-renderer takes." \
            "Helm 3 ($helm3) loads its plugins from the same folder, $plugins," \
            'and one plugin of this kind makes Helm 3 load none. Give Helm 4 a folder of its own:' \
            "  \"$(this_helm)\" plugin uninstall resecret" \
            "  export HELM_DATA_HOME=\"\$HOME/.local/share/helm4\"   # wherever Helm 4 runs" \
            "  \"$(this_helm)\" plugin install $source" \
            'or, if that Helm 3 is not used any more, link it all the same:' \
            "  \"$(this_helm)\" plugin install \"$plugin/plugin/$second\"" >&2
        return
    fi
    link_second || return 0
    say "resecret: linked $second, the plugin that Helm 4's --post-renderer takes:" \
        "  helm upgrade lf ./chart --post-renderer $second \\" \
        '    --post-renderer-args --preset=langfuse --post-renderer-args --to=langfuse-vault'
    if [ -n "${HELM_DATA_HOME:-}" ] && [ -n "$(helms 3)" ]; then
        say "resecret: do not run Helm 3 ($(helms 3 | head -n 1)) with this HELM_DATA_HOME," \
            'it would load no plugin.'
    fi
    if [ -n "${HELM_PLUGINS:-}" ] && ! lists_plugins "$HELM_PLUGINS"; then
        say "resecret: HELM_PLUGINS is set, so Helm 4 does not look into $plugins," \
            'where it has installed this plugin. Unset it, or add that folder to it.' >&2
    fi
}

install_binary
if [ "$(running_helm)" = 3 ]; then
    use_with_helm3
else
    use_with_helm4
fi
