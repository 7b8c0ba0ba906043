#!/bin/sh
# One post-renderer after another. Not a pipe: its exit code would hide a first one that fails.
set -eu
first=$(other-post-renderer)
printf '%s\n' "$first" | resecret "$@"
