#!/bin/sh
# The module hands a post-renderer no arguments.
exec resecret --config "$(dirname "$0")/resecret.yaml"
