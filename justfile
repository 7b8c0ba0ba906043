# Recipes for working on resecret. `.ci/run` runs `check` in order; each part is a recipe here, so that a
# failure there is one command away.

# Lists the recipes.
default:
    @just --list --unsorted

# All that CI runs.
check: fmt-check lint doc readme test

# Formats the sources.
fmt:
    cargo fmt

# Demands formatted sources.
fmt-check:
    cargo fmt --check

# An ordinary build only warns, so that a new compiler breaks nobody's install.
# Demands sources without warnings.
lint:
    cargo clippy --locked --all-targets -- -D warnings

# Builds the documentation; a broken link is an error.
doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps

# The trials of `tests/clients` are skipped, and say so, where the clients are missing.
# Runs the tests.
test *arguments:
    cargo test --locked --no-fail-fast {{ arguments }}

# An hour: the scripts of `adopt` on every way, interrupted after each change. `test` tries one way of each kind.
# Tries every scenario of a live release.
live-thorough *arguments:
    RESECRET_THOROUGH=1 RESECRET_REQUIRE_CLUSTER=1 cargo test --locked --test live {{ arguments }}

# Needs Go. Random streams for a minute; `--time 2h --seed 0` for a long run with a seed of its own, which
# `PROFILE=differential` makes some ten times faster.
# Compares the filter with Kubernetes' own reader.
differential *arguments:
    #!/usr/bin/env bash
    set -euo pipefail
    command -v go >/dev/null || { echo 'skipped the differential test: Go is missing'; exit 0; }
    profile=${PROFILE:-dev}
    cargo build --locked --profile "$profile" --example differential
    folder=${CARGO_TARGET_DIR:-target}/${profile/dev/debug}/examples
    program=$(realpath "$folder/differential")
    go build -C tests/differential -o "$program-compare" .
    files=(tests/fixtures/*/*/input.yaml tests/renders/*.yaml)
    [ ! -d ../shared/corpus ] || files+=(../shared/corpus/*/*stdin.yaml)
    "$program-compare" -program "$program" -keep "$folder/found" {{ arguments }} "${files[@]}"

# Needs a C++ compiler, no other toolchain: the flags are those of cargo-fuzz without a sanitizer, which safe code has little use
# for. `just fuzz 600 yaml readers` takes ten minutes for each of two targets. What is found stays in target/fuzz/found.
# Fuzzes each target for some seconds, and says how many inputs were tried.
fuzz seconds='60' *targets:
    #!/usr/bin/env bash
    set -euo pipefail
    targets=({{ targets }})
    [ ${#targets[@]} -gt 0 ] || targets=(stream yaml readers search lower config)
    coverage=(level=4 inline-8bit-counters pc-table trace-compares)
    flags='--cfg fuzzing -Cpasses=sancov-module -Cdebug-assertions -Ccodegen-units=1'
    for kind in "${coverage[@]}"; do flags+=" -Cllvm-args=-sanitizer-coverage-$kind"; done
    host=$(rustc --version --verbose | sed -n 's/^host: //p')
    # With a target named, the flags are for what runs there and not for build scripts.
    RUSTFLAGS=$flags CARGO_TARGET_DIR=target/fuzz cargo build --quiet --release --manifest-path tests/fuzz/Cargo.toml --target "$host"
    for target in "${targets[@]}"; do
        corpus=target/fuzz/corpus/$target
        mkdir -p "$corpus" target/fuzz/found
        if [ "$target" = config ]; then seeds=(tests/fixtures/*/*/config.yaml); else seeds=(tests/fixtures/*/*/input.yaml); fi
        for seed in "${seeds[@]}"; do cp "$seed" "$corpus/$(echo "$seed" | tr / -)"; done
        log=target/fuzz/$target.log
        "target/fuzz/$host/release/$target" -max_total_time={{ seconds }} -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
            -print_final_stats=1 -artifact_prefix="target/fuzz/found/$target-" "$corpus" >"$log" 2>&1 || { tail -40 "$log"; exit 1; }
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
    done

# Builds the pinned clients for the tests; some minutes, once.
clients:
    .ci/clients

# Builds the API server for the trials of live releases; ten minutes, once.
api-server:
    .ci/api-server

# Builds the pinned command line of Kyverno, for the trial of `guard -o kyverno`: ten minutes or more, once.
kyverno:
    .ci/clients kyverno

# Builds a registry and the client that pushes to it, for the trial of the plugins as artifacts: two minutes, once.
registry:
    .ci/clients crane oras

# Builds flate, which renders releases of Flux with Flux's own libraries, for the trial of that example: ten minutes, once.
gitops:
    .ci/clients flate

# BINARY or BINARIES takes what is built already; SIGN_KEY signs, see `.ci/package`.
# Makes the files of a release in dist/.
package:
    .ci/package

# Builds the program for Linux without any library of the system, and proves that it is.
static:
    #!/usr/bin/env bash
    set -euo pipefail
    program=$(.ci/build)
    # A program that needs libraries names them, and who loads them.
    if readelf --program-headers --dynamic --wide "$program" | grep -E 'INTERP|NEEDED'; then
        echo "$program is not static" >&2
        exit 1
    fi
    file "$program"

# Builds a release from clones in two folders; some minutes each.
# Demands the same bytes from both.
reproducible:
    #!/usr/bin/env bash
    set -euo pipefail
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    for name in one another-one; do
        git clone --quiet . "$work/$name"
        (cd "$work/$name" && unset CARGO_TARGET_DIR && DIST=$work/$name-dist .ci/package >/dev/null)
    done
    diff "$work/one-dist/SHA256SUMS" "$work/another-one-dist/SHA256SUMS"
    cat "$work/one-dist/SHA256SUMS"

# Where there is no docker to talk to, it says so and builds nothing.
# Builds the images of the Dockerfile: for CI, and the sidecar of Argo CD.
images:
    #!/usr/bin/env bash
    set -euo pipefail
    docker info >/dev/null 2>&1 || { echo 'skipped the images: no docker'; exit 0; }
    commit=$(git rev-parse --short=10 HEAD)
    docker build --build-arg "COMMIT=$commit" --target ci --tag resecret .
    docker build --build-arg "COMMIT=$commit" --target argocd --tag resecret-argocd .

# Needs rustup; some minutes. What the program does there is for CI to try.
# Demands sources without warnings on other systems too.
platforms:
    #!/usr/bin/env bash
    set -euo pipefail
    for target in aarch64-apple-darwin aarch64-unknown-linux-gnu x86_64-pc-windows-gnu; do
        rustup target add "$target"
        cargo clippy --locked --target "$target" -- -D warnings
    done

# Needs rustup, and its toolchain of `rust-version` in Cargo.toml.
# Builds with the oldest Rust that is promised.
msrv:
    #!/usr/bin/env bash
    set -euo pipefail
    version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    CARGO_TARGET_DIR=target/msrv cargo "+$version" check --locked

# Some minutes: Helm is built from source, into folders of their own beside the pinned clients.
# Runs template, plugin, package and example trials with the oldest Helm of each major that is supported.
compatibility $RESECRET_HELM3="v3.17.4" $RESECRET_HELM4="v4.0.5":
    #!/usr/bin/env bash
    set -euo pipefail
    pinned=${RESECRET_CLIENTS:-$HOME/.cache/resecret/clients}
    export RESECRET_CLIENTS=$pinned/$RESECRET_HELM3-$RESECRET_HELM4 RESECRET_REQUIRE_CLIENTS=1
    .ci/clients helm3 helm4
    ln -sf "$pinned/kubectl" "$RESECRET_CLIENTS/kubectl"
    for trials in template:: plugin::helm package::helm examples::; do
        cargo test --locked --test clients "$trials"
    done

# Needs cargo-deny. Where the database of advisories cannot be had, it says so and checks the rest.
# Checks the dependencies: known faults, licences, sources, versions.
deny:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo deny --locked check bans licenses sources
    if said=$(cargo deny --locked fetch db 2>&1); then
        cargo deny --locked check --disable-fetch advisories
    else
        printf 'skipped the advisories: no advisory database:\n%s\n' "$said"
    fi

# Needs cargo-audit. The database is that of `deny`; this reads Cargo.lock alone, with what only tests need.
# Checks Cargo.lock for known faults.
audit:
    #!/usr/bin/env bash
    set -euo pipefail
    if git ls-remote https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
        cargo audit --deny warnings
    else
        echo 'skipped: no advisory database'
    fi

# The tests run the two linters of workflows too, where they are there.
# Lints the workflows and the shell scripts.
lint-ci:
    "${RESECRET_CLIENTS:-$HOME/.cache/resecret/clients}/actionlint"
    zizmor --offline --quiet .
    shellcheck --external-sources .ci/* plugin/*.sh tools/run-release tools/schemastore/entry

# For a change of the charts or of the pinned Helm.
# Writes `tests/renders` and the tables of `docs/clients/README.md` and `examples/README.md` once more.
renders:
    RESECRET_UPDATE=1 RESECRET_REQUIRE_CLIENTS=1 cargo test --locked --test clients renders
    RESECRET_UPDATE=1 RESECRET_REQUIRE_CLIENTS=1 cargo test --locked --test clients same
    RESECRET_UPDATE=1 RESECRET_REQUIRE_CLIENTS=1 cargo test --locked --test clients examples::
    RESECRET_UPDATE=1 RESECRET_REQUIRE_CLUSTER=1 cargo test --locked --test live examples::

# FOLDER holds clones of the charts' repositories, see tools/real-charts/charts.yaml; some minutes. Needs Python 3.11 with PyYAML, and
# `just clients`. BINARY takes another program.
# Tries the proposals of `scan --write` on real charts, measures which plain credentials are found, and writes the page with the results.
real-charts folder *arguments:
    tools/real-charts/run.py {{ folder }} --write docs/real-charts.md {{ arguments }}
    just real-credentials {{ folder }} {{ arguments }}

# Fails where more than 5 % of the credentials are missed, or of what is found are none.
# Measures which plain credentials of real charts are found, and writes that to the page.
real-credentials folder *arguments:
    tools/real-charts/credentials.py {{ folder }} --write docs/real-charts.md {{ arguments }}

# Draws the pictures of the pages once more, from what the program shows.
pictures:
    RESECRET_UPDATE=1 cargo test --locked --test integration pictures::

# SCHEMAS are folders with the schemas of custom resources, see `tools/catalogue/generate.py`; some minutes. Needs Python 3.11,
# and PyYAML for files in YAML.
# Makes the catalogue of custom resources from schemas, and the sample that the tests measure with.
catalogue +schemas:
    tools/catalogue/generate.py {{ schemas }}
    just catalogue-table

# Writes the table of `docs/custom-resources.md` from the sample.
catalogue-table:
    RESECRET_UPDATE=1 cargo test --locked --test cases catalogue::

# Measures the catalogue with every field of the schemas.
measure-catalogue +schemas:
    #!/usr/bin/env bash
    set -euo pipefail
    fields=$(mktemp)
    trap 'rm -f "$fields"' EXIT
    tools/catalogue/generate.py --fields "$fields" {{ schemas }}
    RESECRET_FIELDS=$fields cargo test --locked --test cases catalogue:: -- --nocapture

# Some minutes. `--quick` leaves out the large streams and writes nothing; `--check` fails far from a target. The
# program is the release's, or BINARY; what runs and measures it need not be fast, and is built as the tests are.
# Compares speed and memory with `cat`, yq and Kustomize, counts instructions where valgrind is there, and writes `docs/performance.md`.
bench *arguments:
    BINARY=${BINARY:-$(.ci/build)} cargo bench --locked --profile dev --bench peers -- {{ arguments }}

# Runs the two commands of README's "Try it", as they stand there.
readme:
    #!/usr/bin/env bash
    set -euo pipefail
    for number in 1 2; do
        # The text of the block with this number among the `sh` blocks of the section.
        command=$(awk -v wanted="$number" '
            /^## /      { here = ($0 == "## Try it") }
            /^```/      { inside = (here && !inside && $0 == "```sh"); blocks += inside; next }
            inside && blocks == wanted
        ' README.md)
        if [ -z "$command" ]; then
            echo "README.md has no command $number: no such \`\`\`sh block after the heading '## Try it'" >&2
            exit 1
        fi
        echo "$command" | sed 's/^/$ /'
        bash -euo pipefail -c "$command"
    done

# Installs what is missing, runs all of `check`, and counts the tests.
ci:
    .ci/run
