# ==== what the steps are made of: the same in every script =======================================================

say() { printf '%s\n' "$*"; }

step() {
    forget
    printf '\n== %s\n' "$*"
}

stop() {
    printf '\nstopped: %s\n' "$*" >&2
    exit 1
}

# act WHAT COMMAND...: runs a command that changes the cluster. With --dry-run it says so, and runs nothing.
act() {
    what=$1
    shift
    if $dry_run; then
        say "  would $what"
    else
        say "  $what"
        "$@" >/dev/null || stop "could not $what. Nothing after it was done; run the script again when the cause is gone"
    fi
    forget
    right=false
}

# What the cluster has answered is asked once in a step, unless something changes.
known=
forget() { known=; }

# hushed COMMAND...: runs Helm. Its warnings about values of the chart show them between brackets, over several lines if
# need be: that part stays off the terminal.
hushed() {
    code=0
    { said=$("$@" 2>&1 >&3) || code=$?; } 3>&1
    test -z "$said" || printf '%s\n' "$said" | awk '
        inside { inside = ($0 !~ /\)"?$/); next }
        /warning: / { inside = (/ \(/ && $0 !~ /\)"?$/); sub(/ \(.*/, "") }
        { print }' >&2
    return "$code"
}

# ask COMMAND...: the cluster's answer. A question that fails is no answer: the script ends.
ask() { "$@" || stop "the cluster does not answer: $*"; }

# within NAMESPACE COMMAND...: for objects that name a namespace of their own.
within() {
    outside=$namespace
    namespace=$1
    shift
    "$@"
    namespace=$outside
}

# exists KIND/NAME: whether the object is live.
exists() {
    answer=$(ask kubectl get "$1" --ignore-not-found -o name) || exit 1
    test -n "$answer"
}

# keys_of KIND NAME: sets keys to those under which a live Secret or ConfigMap has a value.
keys_of() {
    id="<$1 $namespace/$2:"
    case $known in
    *"$id"*)
        keys=${known#*"$id"}
        keys=${keys%%>*}
        ;;
    *)
        keys=$(ask kubectl get "$1" "$2" --ignore-not-found \
            -o go-template='{{range $key, $value := .data}}{{if $value}} {{$key}} {{end}}{{end}}') || exit 1
        known="$known$id$keys>"
        ;;
    esac
}

# has_key KIND NAME KEY: whether it has a value under the key.
has_key() {
    keys_of "$1" "$2"
    case $keys in
    *" $3 "*) ;;
    *) return 1 ;;
    esac
}

# A place of a live value is written `secret NAME KEY`, `configmap NAME KEY`, or
# `variable OBJECT CONTAINERS CONTAINER NAME` for the literal of a variable.

# template_of OBJECT CONTAINERS CONTAINER NAME SHOW: a template that shows SHOW for the variable's literal, $v. The last
# literal of a name counts, as it does for the kubelet.
template_of() {
    printf '{{$v := ""}}{{range %s}}{{if eq .name "%s"}}{{range .env}}{{if eq .name "%s"}}' "$2" "$3" "$4"
    printf '{{if .value}}{{$v = .value}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if $v}}%s{{end}}' "$5"
}

# is_there PLACE...: whether there is a value.
is_there() {
    case $1 in
    variable)
        answer=$(ask kubectl get "$2" --ignore-not-found -o go-template="$(template_of "$2" "$3" "$4" "$5" yes)") || exit 1
        test "$answer" = yes
        ;;
    *) has_key "$1" "$2" "$3" ;;
    esac
}

# quoted PLACE...: the value as one quoted line. For pipes only.
quoted() {
    case $1 in
    secret) kubectl get secret "$2" -o go-template="{{index .data \"$3\" | base64decode | printf \"%q\\n\"}}" ;;
    configmap) kubectl get configmap "$2" -o go-template="{{index .data \"$3\" | printf \"%q\\n\"}}" ;;
    # The kubelet makes one $ of two.
    variable)
        kubectl get "$2" -o go-template="$(template_of "$2" "$3" "$4" "$5" '{{printf "%q\n" $v}}')" |
            sed 's/\$\$/$/g'
        ;;
    esac
}

# expands PLACE...: whether the kubelet makes something else of the value: it holds $(NAME).
expands() {
    test "$1" = variable &&
        kubectl get "$2" -o go-template="$(template_of "$2" "$3" "$4" "$5" '{{printf "%q\n" $v}}')" |
        sed 's/\$\$//g' | grep -q '\$('
}

# same VAULT KEY PLACE...: whether the vaulted Secret holds the value of the place.
same() {
    vault=$1 key=$2
    shift 2
    { quoted secret "$vault" "$key" && quoted "$@"; } | awk '{ line[NR] = $0 } END { exit !(NR == 2 && line[1] == line[2]) }'
}

# patch KEY PLACE...: the patch that gives the value to the key. What fails leaves it open, and kubectl refuses it.
patch() {
    key=$1
    shift
    case $1 in
    secret)
        printf 'data: {"%s": "' "$key" &&
            kubectl get secret "$2" -o go-template="{{index .data \"$3\"}}" && printf '"}\n'
        ;;
    *) printf 'stringData: {"%s": ' "$key" && quoted "$@" && printf '}\n' ;;
    esac
}

# copy VAULT KEY PLACE...: the value of the place becomes that of the key.
copy() {
    vault=$1 key=$2
    shift 2
    patch "$key" "$@" | kubectl patch secret "$vault" --type=merge --patch-file=/dev/stdin >/dev/null
    same "$vault" "$key" "$@"
}

# operator_of SECRET: sets operator to what makes the Secret, or will make it, if that is an operator; and is_live to
# whether the Secret is there.
operator_of() {
    answer=$(ask kubectl get secret "$1" --ignore-not-found \
        -o go-template='{{.metadata.name}}{{range .metadata.ownerReferences}} {{.kind}} {{.name}}{{end}}') || exit 1
    is_live=true
    test -n "$answer" || is_live=false
    operator=${answer#"$1"}
    operator=${operator# }
    maker externalsecrets.external-secrets.io target "$1"
    maker vaultstaticsecrets.secrets.hashicorp.com destination "$1"
    maker vaultdynamicsecrets.secrets.hashicorp.com destination "$1"
    maker sealedsecrets.bitnami.com template "$1"
}

# maker RESOURCE FIELD SECRET: sets operator to the object of this resource that makes the Secret. It has the Secret's
# name, or says it in `spec.FIELD.name`. A cluster without the resource has none.
kinds=
maker() {
    test -z "$operator" || return 0
    # One kind of many may not answer, and the others are listed all the same.
    test -n "$kinds" || kinds=$(kubectl api-resources --namespaced --verbs=list -o name 2>/dev/null | awk '{ printf " %s ", $1 }')
    test -n "$kinds" || stop 'the cluster does not say which kinds it has: kubectl api-resources'
    case $kinds in
    *" $1 "*) ;;
    *) return 0 ;;
    esac
    operator=$(kubectl get "$1" -o go-template="{{range .items}}{{\$made := .metadata.name}}{{with .spec.$2}}{{with .name}}{{\$made = .}}{{end}}{{end}}{{if eq \$made \"$3\"}}{{.kind}} {{.metadata.name}}{{end}}{{end}}") ||
        stop "one of $1 may make Secret $3, and this account cannot list them. Get the right to list them, and run this script again"
}

# make_vault SECRET: makes the vaulted Secret, still empty.
make_vault() {
    operator_of "$1"
    test -z "$operator" || stop "Secret $1 is made by $operator, which would overwrite a copy. Make this script again with --fill wait"
    if $is_live; then
        say "  Secret $1 is there"
    else
        act "make Secret $1" kubectl create secret generic "$1"
    fi
}

# make_typed SECRET TYPE SOURCE KEY SOURCE_KEY...: makes a vaulted Secret whose type demands its keys from the start, from
# the chart's Secret.
make_typed() {
    if exists "secret/$1" || ! exists "secret/$3"; then
        make_vault "$1"
    else
        act "make Secret $1 of type $2 from Secret $3" typed "$@"
    fi
}
typed() {
    vault=$1 type=$2 source=$3
    shift 3
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: "%s"}\ntype: "%s"\ndata:\n' "$vault" "$type"
        while test $# -gt 0; do
            # What fails leaves the quotes open, and kubectl refuses it.
            printf '  "%s": "' "$1"
            kubectl get secret "$source" -o go-template="{{index .data \"$2\"}}" && printf '"\n'
            shift 2
        done
    } | kubectl create -f -
}

# fill HOW VAULT KEY PLACE...: copies a live value, unless the vaulted Secret has the key already.
#   same    pods read this value today, and stored data was made with it: the key must hold no other
#   read    pods read this value today: another one in the vault is a rotation
#   spare   nobody reads it: it is taken where the vaulted Secret lacks the key
fill() {
    how=$1 vault=$2 key=$3
    shift 3
    if has_key secret "$vault" "$key"; then
        held "$how" "$vault" "$key" "$@"
    elif ! is_there "$@"; then
        say "  no value for key $key of Secret $vault in $*"
    elif expands "$@"; then
        stop "$* holds \$(…), which is expanded in a variable and not in a Secret. Give key $key of Secret $vault the whole value by hand"
    else
        act "copy $* to key $key of Secret $vault" copy "$vault" "$key" "$@"
    fi
}

# held HOW VAULT KEY PLACE...: compares what the vaulted Secret has under the key with the live value.
held() {
    how=$1 vault=$2 key=$3
    shift 3
    if ! has_key secret "$vault" "$key"; then
        say "  Secret $vault has no key $key yet"
    elif test "$how" = spare || ! is_there "$@" || same "$vault" "$key" "$@"; then
        say "  Secret $vault has key $key"
    elif test "$how" = read; then
        say "  Secret $vault has key $key, with another value than $*: pods get the vault's from now on"
    elif expands "$@"; then
        say "  Secret $vault has key $key. $* holds \$(…), so compare by hand what it is expanded to: stored data was made with that"
    else
        stop "Secret $vault has another $key than pods read today ($*), and stored data was made with that one. Put it into the vault, or take this line out of the script if the data is gone"
    fi
}

# tell HOW VAULT KEY PLACE...: where a value must go, for whoever fills the vault.
tell() {
    vault=$2 key=$3
    shift 3
    if has_key secret "$vault" "$key"; then
        say "  Secret $vault has key $key"
    elif is_there "$@"; then
        say "  still to do: the value of $* -> key $key of Secret $vault"
    fi
}

# wait_for SECRET KEY...: until the vaulted Secret has its keys.
wait_for() {
    vault=$1
    shift
    waited=0
    for key in "$@"; do
        until has_key secret "$vault" "$key"; do
            if $dry_run; then
                say "  would wait for key $key of Secret $vault"
                break
            fi
            test "$waited" -lt "$patience" || stop "key $key of Secret $vault has not come in $patience seconds. Run the script again when it is there"
            test "$waited" -gt 0 || say "  waiting for key $key of Secret $vault"
            sleep 5
            forget
            waited=$((waited + 5))
        done
    done
}

# keep SECRET: Helm deletes what leaves a release, unless the live object says otherwise.
keep() {
    answer=$(ask kubectl get secret "$1" --ignore-not-found \
        -o go-template='{{with .metadata.annotations}}{{index . "helm.sh/resource-policy"}}{{else}}no{{end}}') || exit 1
    case $answer in
    keep) say "  Secret $1 is kept" ;;
    '') say "  Secret $1 is not there (any more)" ;;
    *) act "keep Secret $1" kubectl annotate secret "$1" --overwrite helm.sh/resource-policy=keep ;;
    esac
}

# read_history: `deployed`, the revision that Helm upgrades from, and `last` with its `status`.
read_history() {
    answer=$(ask helm history "$release" -o yaml | awk '
        $1 == "-" { sub(/^- /, "  ") }
        /^  revision: / { last = $2 }
        /^  status: / { status = $2; if (status == "deployed") deployed = last }
        END { if (NR == 0) exit 1; print (deployed == "" ? "none" : deployed), last, status }') || exit 1
    # shellcheck disable=SC2086 # three words
    set -- $answer
    deployed=$1 last=${2-} status=${3-}
    case $status in
    pending-*) stop "revision $last of $release is $status: a helm command is at work, or was killed. If it was killed, take its record away with \`kubectl delete secret sh.helm.release.v1.$release.v$last --namespace $namespace\`, and run this script again" ;;
    esac
    test "$deployed" != none || stop "no revision of $release is deployed in namespace $namespace: there is nothing to adopt. Install through the post-renderer"
}

# filter_again REVISION: sets code to 0 if the filter would change nothing of it any more, and to 1 if it would. A
# revision stays as it is.
revisions=' '
filter_again() {
    case $revisions in
    *" $1=0 "*) code=0 ;;
    *" $1=1 "*) code=1 ;;
    *)
        code=0
        helm get manifest "$release" --revision "$1" | with_rules diff --quiet --allow-unmatched >/dev/null 2>&1 || code=$?
        revisions="$revisions$1=$code "
        ;;
    esac
}

# is_filtered REVISION: whether it has gone through the filter.
is_filtered() {
    filter_again "$1"
    test "$code" -eq 0
}
is_adopted() { is_filtered "$deployed"; }

# is_plain: whether the deployed revision has not gone through the filter, which would change it.
is_plain() {
    filter_again "$deployed"
    test "$code" -eq 1
}

# filtered_revisions: those that a rollback can go to.
filtered_revisions() {
    numbers=$(ask helm history "$release" -o yaml | awk '
        { sub(/^- /, "  ") }
        /^  revision: / { number = $2 }
        /^  status: (deployed|superseded)$/ { print number }') || exit 1
    for number in $numbers; do
        ! is_filtered "$number" || printf ' %s' "$number"
    done
}

# forecast HAZARD,...: what the upgrade would lose of the live objects as they are now, but for what these steps avoid.
forecast() {
    accepted=$1
    # Nothing is kept yet.
    ! $dry_run || accepted=$accepted,deleted-secret,deleted-secret-in-use
    said=$({
        helm get manifest "$release" --revision "$deployed" &&
            helm get hooks "$release" --revision "$deployed" && echo --- && live_objects
    } | { with_rules filter --quiet --previous /dev/fd/3 --accept-hazards="$accepted" 3<&0 <"$render" 2>&1 >/dev/null; }) || {
        printf '%s\n' "$said" >&2
        test "$last" = "$deployed" || stop "revision $last has failed, and Helm upgrades from revision $deployed. If this script was made since, make it again from that one: \`helm get manifest $release --revision $deployed\`"
        stop "the cluster, or the chart, is not as it was when this script was made. Make it again: \`resecret adopt\` takes live objects behind --previous"
    }
    say '  no hazard but those that these steps avoid'
}

# is_right: whether the live objects have the variables and references of the deployed manifest. Once they have, they are
# looked at again when something has changed.
right=false
is_right() {
    $right && return
    { helm get manifest "$release" --revision "$deployed" && echo --- && live_objects; } |
        with_rules adopt --verify - "$render" || return
    right=true
}

# hold DEPLOYMENT, resume DEPLOYMENT: no pod starts in between. One that somebody else has paused stays paused.
hold() {
    answer=$(ask kubectl get deployment "$1" -o go-template='{{if .spec.paused}}paused{{end}}') || exit 1
    if test "$answer" = paused; then
        say "  Deployment $1 is paused"
    else
        act "mark Deployment $1" kubectl annotate deployment "$1" --overwrite resecret.dev/paused=adopt
        act "pause Deployment $1" kubectl rollout pause deployment "$1"
    fi
}
resume() {
    answer=$(ask kubectl get deployment "$1" \
        -o go-template='{{with .metadata.annotations}}{{index . "resecret.dev/paused"}}{{end}} {{if .spec.paused}}paused{{end}}') || exit 1
    case $answer in
    'adopt paused') act "resume Deployment $1" kubectl rollout resume deployment "$1" ;;
    esac
    case $answer in
    adopt*) act "take the mark from Deployment $1" kubectl annotate deployment "$1" resecret.dev/paused- ;;
    esac
}

# replicas OBJECT COUNT: this way of upgrading sets the replicas to what the manifest says.
replicas() {
    answer=$(ask kubectl get "$1" --ignore-not-found -o go-template='{{.spec.replicas}}') || exit 1
    case $answer in
    '' | "$2") ;;
    *) stop "$1 runs with $answer replicas, and this upgrade would set $2. Write $answer into the values first, or scale it to $2" ;;
    esac
}

# is_new OBJECT: whether an upgrade has made it since the deployed revision: one that has failed, or was interrupted.
is_new() {
    test "$last" != "$deployed" || return 1
    made=$(ask kubectl get "$1" --ignore-not-found -o go-template='{{.metadata.creationTimestamp}}') || exit 1
    begun=$(ask kubectl get secret "sh.helm.release.v1.$release.v$((deployed + 1))" --namespace "$home" --ignore-not-found \
        -o go-template='{{.metadata.creationTimestamp}}') || exit 1
    # Times as the API server writes them are in order as texts are.
    awk -v made="$made" -v begun="$begun" 'BEGIN { exit !(made != "" && begun != "" && made "" >= begun "") }'
}

# again JOB: a Job's pod template never changes. The upgrade makes the Job again, and it runs again.
again() {
    answer=$(ask kubectl get job "$1" --ignore-not-found -o go-template='{{if .status.active}}active{{else}}done{{end}}') || exit 1
    if test -z "$answer"; then
        say "  Job $1 is not there (any more)"
    elif is_new "job/$1"; then
        say "  Job $1 has been made again"
    elif test "$answer" = active; then
        stop "Job $1 is running, and the upgrade would have to replace it. Run this script again when it has ended"
    else
        act "delete Job $1, which the upgrade makes again" kubectl delete job "$1"
    fi
}

# gone OBJECT WHY INSTEAD WAY_OUT: the upgrade only goes through if it makes the object again. Whether the object may be
# deleted is for a person to decide.
gone() {
    if ! exists "$1"; then
        say "  $1 is not there (any more): the upgrade makes it"
    elif is_new "$1"; then
        say "  $1 has been made again"
    elif $dry_run; then
        say "  would stop, since $2: $4"
    else
        stop "$2. Decide: $3 and make this script again, or $4"
    fi
}

# ready AGE OBJECT: waits for the pods, where a controller looks after the object. It writes into the status which
# generation it has seen: of an old object at any time, of a new one after a moment.
controllers=unknown
ready() {
    moment=10
    test "$1 $controllers" = 'new unknown' || moment=0
    while :; do
        answer=$(ask kubectl get "$2" -o go-template='{{if .status.observedGeneration}}seen{{else}}unseen{{end}} {{if .spec.paused}}paused{{end}}{{with .spec.updateStrategy}}{{.type}}{{end}}') || exit 1
        case $answer in seen*) controllers=yes ;; esac
        test "$controllers" != yes && test "$moment" -gt 0 || break
        sleep 1
        moment=$((moment - 1))
    done
    test "$controllers" = yes || controllers=no
    case "$controllers $answer" in
    no*) say "  $2: this cluster has no controller that looks after it" ;;
    *paused) say "  $2 is paused: its pods change when somebody resumes it" ;;
    *OnDelete) say "  $2 has the strategy OnDelete: its pods change when somebody deletes them" ;;
    *)
        if $dry_run; then
            say "  would wait for the pods of $2"
        else
            kubectl rollout status "$2" --timeout="${patience}s" || stop "the new pods of $2 are not ready. Look at \`kubectl describe pods --namespace $namespace\`; when they are, run this script again"
        fi
        ;;
    esac
}

# own SECRET: Helm takes a live object for the release's own only if it bears its marks.
own() {
    operator_of "$1"
    test -z "$operator" || stop "Secret $1 is made by $operator, which would overwrite the chart's. Delete that object first, so that the Secret stays"
    answer=$(ask kubectl get secret "$1" --ignore-not-found \
        -o go-template='{{with .metadata.annotations}}{{index . "meta.helm.sh/release-name"}}{{else}}nobody{{end}}') || exit 1
    case $answer in
    '') say "  Secret $1 is not there: the upgrade makes it" ;;
    "$release") say "  Secret $1 bears Helm's marks" ;;
    *) act "mark Secret $1 as one of $release" mark "$1" ;;
    esac
}
mark() {
    kubectl label secret "$1" --overwrite app.kubernetes.io/managed-by=Helm >/dev/null &&
        kubectl annotate secret "$1" --overwrite meta.helm.sh/release-name="$release" meta.helm.sh/release-namespace="$home" >/dev/null
}

# agrees VAULT KEY PLACE...: whether the place has the vault's value again.
agrees() {
    vault=$1 key=$2
    shift 2
    same "$vault" "$key" "$@" || stop "$* is not key $key of Secret $vault"
    say "  $* is key $key of Secret $vault"
}
