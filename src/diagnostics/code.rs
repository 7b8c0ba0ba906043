//! Every code that a diagnostic can have, with its documentation.

use crate::diagnostics::define::codes;
use crate::diagnostics::hazard_code::with_hazards;
use crate::diagnostics::split_code::with_split;

with_split! {
    /// A configuration that cannot be read or makes no sense.
    ///
    /// # What it means
    ///
    /// The file is not YAML, has a field that the format does not know, a glob that does not parse, or a rule that
    /// could never do anything. Unknown fields are refused, since a misspelt rule would let its Secret through.
    ///
    /// # What to do
    ///
    /// Correct the place that the message names. It tells the nearest known name where a field is unknown.
    InvalidConfig = "invalid-config",
    /// A run without any rule.
    ///
    /// # What it means
    ///
    /// Neither a preset nor a configuration names anything to do. Such a run would pass every Secret and look fine.
    ///
    /// # What to do
    ///
    /// Name a preset (`--preset langfuse --to NAME`) or a file (`--config FILE`), or run where `resecret.yaml` is.
    NoRules = "no-rules",
    /// A ResourceList among other documents.
    ///
    /// # What it means
    ///
    /// Kustomize and other KRM clients hand over one ResourceList, Helm a stream of manifests. A mixture is neither.
    ///
    /// # What to do
    ///
    /// Look at what joins the two: give the program the ResourceList alone, or the objects in it as manifests.
    MixedInput = "mixed-input",
    /// Nothing on standard input.
    ///
    /// # What it means
    ///
    /// The stream is empty or white space. Helm 3 takes empty output for an empty release and deletes everything in it.
    ///
    /// # What to do
    ///
    /// Look at the command before the pipe. Under Helm, the chart rendered nothing.
    EmptyInput = "empty-input",
    /// A document that must be read and is not UTF-8, or a stream in UTF-16 or UTF-32.
    ///
    /// # What it means
    ///
    /// Rules read text. A document that no rule can touch passes whatever its bytes are.
    ///
    /// # What to do
    ///
    /// Convert the stream, or find the template that emits these bytes.
    NotUtf8 = "not-utf8",
    /// A document that must be read and is not YAML.
    ///
    /// # What it means
    ///
    /// A rule may need to edit the document, and it cannot be read: a syntax error, a second document behind `...`, aliases that
    /// multiply, nesting without end, a scalar of many megabytes, or a `!!binary` one. A document that no rule can touch passes.
    ///
    /// # What to do
    ///
    /// Render the chart with `helm template --debug` and look at the line that the message names.
    NotYaml = "not-yaml",
    /// A file or a pipe that cannot be read or written.
    ///
    /// # What it means
    ///
    /// The operating system refused: a configuration that is not there, a closed standard output.
    ///
    /// # What to do
    ///
    /// The message names the file and gives the system's reason.
    Io = "io",
    /// The stream ends in the middle of something.
    ///
    /// # What it means
    ///
    /// The last document breaks off and the stream has no final line break.
    ///
    /// # What to do
    ///
    /// Look at the exit code of the command before the pipe: it probably failed.
    TruncatedInput = "truncated-input",
    /// A Secret without a name: no rule could ever match it.
    ///
    /// # What it means
    ///
    /// Rules choose Secrets by name. One without `metadata.name` would pass unseen.
    ///
    /// # What to do
    ///
    /// Give it a name in the chart's values, or leave it out there.
    UnnamedSecret = "unnamed-secret",
    /// A rule, or a part of it, that matches nothing.
    ///
    /// # What it means
    ///
    /// The chart has changed, or the rule is misspelt. If the run went on, the plain Secret would reach the
    /// cluster. Every rule, every variable and every renamed key must match; of a preset, at least one part.
    ///
    /// # What to do
    ///
    /// Compare the render with the rule. `optional: true` lets one rule match nothing, `--allow-unmatched` every one.
    Unmatched = "unmatched",
    /// The vaulted Secret has the name of the chart Secret that is removed.
    ///
    /// # What it means
    ///
    /// When the chart's Secret leaves the release, Helm deletes the live one, and with it the vault's.
    ///
    /// # What to do
    ///
    /// Copy the values into the vault, keep the live object (`kubectl annotate secret NAME helm.sh/resource-
    /// policy=keep`), then set `sameName: true` on the rule.
    SameName = "same-name",
    /// A reference to a removed Secret that has nowhere to go.
    ///
    /// # What it means
    ///
    /// The rule that leaves the Secret out has no `to`, and something still reads it: its pod could not start.
    ///
    /// # What to do
    ///
    /// Give the rule a `to`, or take the variable out by `remove` in `spec.env`. `policy.dangling` makes it a warning.
    Dangling = "dangling",
    /// A reference that could mean a removed Secret or another one of the same name.
    ///
    /// # What it means
    ///
    /// The stream renders Secrets of one name for several namespaces, they do not share their fate, and the
    /// referring object does not say its namespace.
    ///
    /// # What to do
    ///
    /// Give the object its `metadata.namespace`, or choose the Secrets by `namespace` in `spec.secrets`.
    AmbiguousReference = "ambiguous-reference",
    /// A reference to a Secret that is neither rendered nor in the configuration.
    ///
    /// # What it means
    ///
    /// The stream does not render it, and the configuration names it neither as a `to` nor in `spec.vault`.
    /// Reported only where `policy.external` asks for it, to catch typing errors in vaulted names.
    ///
    /// # What to do
    ///
    /// Correct the name, or list it in `spec.vault`.
    External = "external",
    /// Something that `--stream` would have to know before the stream ends.
    ///
    /// # What it means
    ///
    /// With `--stream` a document is written before the next one is read. So a Secret that a rule may remove must come
    /// before what refers to it, and not hundreds of Secrets before. `keepExisting` and `policy.external` ask for all
    /// Secrets of a stream, and a ResourceList is one document with all objects.
    ///
    /// # What to do
    ///
    /// Run without `--stream`. Or let the Secrets come first, and list in `spec.vault` what is made outside the stream.
    NeedsWholeStream = "needs-whole-stream",
    /// A run with `--stream` that failed before its end.
    ///
    /// # What it means
    ///
    /// Documents before the place of the error have been written; the message says how many.
    ///
    /// # What to do
    ///
    /// Throw the output away. Where its reader would act on a part of it, run without `--stream`.
    PartialOutput = "partial-output",
    /// A hook of the chart that reads a removed Secret.
    ///
    /// # What it means
    ///
    /// Hooks never pass through a post-renderer of Helm 3, so this one keeps its reference. Its Secret is no longer
    /// there, and the hook's pod cannot start. Only `check` says so, on a render that has hooks: `helm template`.
    ///
    /// # What to do
    ///
    /// Point the hook at the vaulted Secret in the chart's values, disable it there, or take the Secret out of the
    /// rules. Helm 4 sends hooks through the post-renderer.
    HookReference = "hook-reference",
    /// A Secret that a rule removes and that is a hook.
    ///
    /// # What it means
    ///
    /// Helm 3 sends no hook through a post-renderer: there the rule matches nothing, an error unless it is `optional`. Then the
    /// plain Secret stays and its readers keep reading it. Only `check` says so, on a render with hooks: `helm template`.
    ///
    /// # What to do
    ///
    /// Disable it in the chart's values, or use Helm 4. `optional: true` if the plain Secret may stay under Helm 3.
    HookSecret = "hook-secret",
    /// Renamed keys on a reference that takes all keys under their own names.
    ///
    /// # What it means
    ///
    /// `envFrom` makes a variable of every key. Renamed keys would rename the program's variables.
    ///
    /// # What to do
    ///
    /// Store the values under the chart's own key names, in a vaulted Secret of their own if need be, and take them out of `keys`.
    RenamedEnvFrom = "renamed-env-from",
    /// Renamed keys of a Secret that is read as a whole.
    ///
    /// # What it means
    ///
    /// An Ingress, a CSI driver and many operators name a Secret and no key: they know which keys to look for.
    ///
    /// # What to do
    ///
    /// Store the values under the chart's own key names, and take them out of `keys`.
    RenamedKey = "renamed-key",
    /// A rule for a Secret that nobody can vault.
    ///
    /// # What it means
    ///
    /// The cluster, a controller or Helm fills it: a service account's token, a Secret without data, a stored release.
    ///
    /// # What to do
    ///
    /// Write out the names of the other Secrets in the rule, and leave this one to who fills it.
    NotVaultable = "not-vaultable",
    /// A variable in a list that cannot read a Secret.
    ///
    /// # What it means
    ///
    /// A rule in `spec.env` decides the variable, and the kind's schema takes variables by value alone.
    ///
    /// # What to do
    ///
    /// Leave the object out of the rule by `in`, and look in the operator's documentation for another way to a Secret.
    ValueOnly = "value-only",
    /// A Secret that the chart renders, although `spec.redirect` says that it only names it.
    ///
    /// # What it means
    ///
    /// `redirect` sends readers elsewhere and removes nothing. The chart, or its values, have changed: the Secret would be
    /// part of the release, in plain.
    ///
    /// # What to do
    ///
    /// Move the entry from `spec.redirect` to `spec.secrets`, or set `existingSecret` in the chart's values again.
    RenderedRedirect = "rendered-redirect",
    /// A variable with several entries, where `duplicates: error` asks for a decision.
    ///
    /// # What it means
    ///
    /// The kubelet takes the last entry; server-side apply refuses the object; a client-side upgrade may lose both.
    ///
    /// # What to do
    ///
    /// Decide by a rule in `spec.env`, or set `spec.duplicates` to `last`, `first` or `prefer-secret`.
    DuplicateEnv = "duplicate-env",
    /// Entries of one key in a list that the API server merges by key, and that are not the same.
    ///
    /// # What it means
    ///
    /// Server-side apply (Helm 4, Argo CD, Flux) refuses the object: `duplicate entries for key`. Of variables it is known
    /// which entry counts. Of two ports, mounts or volumes it is not, so only entries that mean the same become one.
    ///
    /// # What to do
    ///
    /// Decide in the chart's values which entry stays. The message is given at each of the entries and names the others.
    DuplicateItem = "duplicate-item",
    /// A variable whose entries cannot be removed without changing what others expand to.
    ///
    /// # What it means
    ///
    /// `$(NAME)` in another variable, a command or an argument expands to the last entry before it. Without that entry it
    /// would expand to another value, or stay as it is written.
    ///
    /// # What to do
    ///
    /// Let the variable read the vault: list it in `vars` of `spec.env`. Or change what expands it in the chart's values.
    EnvOrder = "env-order",
    /// An anchor that other parts of the document use.
    ///
    /// # What it means
    ///
    /// An edit there would change every user of the anchor, and not all of them are to change.
    ///
    /// # What to do
    ///
    /// Make the rule apply to every user, or write the value out in place of the alias.
    SharedAnchor = "shared-anchor",
    /// A field that comes from a merge key.
    ///
    /// # What it means
    ///
    /// The field to edit is brought in by `<<` from another mapping, which others may use.
    ///
    /// # What to do
    ///
    /// Write the field out where it is needed.
    MergeKey = "merge-key",
    /// A mapping that has a key twice.
    ///
    /// # What it means
    ///
    /// Kubernetes takes the last one, other readers refuse the document, and an edit would have to guess.
    ///
    /// # What to do
    ///
    /// Remove one of the two in the chart's template or values.
    DuplicateKey = "duplicate-key",
    /// A document that must be edited and cannot be edited safely.
    ///
    /// # What it means
    ///
    /// Either the text has no room for the change, or the second YAML reader does not confirm that the edited
    /// document means what the rules say.
    ///
    /// # What to do
    ///
    /// Write that part of the document in block style. If it is already, please report its shape, without values.
    UnsafeEdit = "unsafe-edit",
    /// A removed Secret's name in a field that looks like a reference and that no rule knows.
    ///
    /// # What it means
    ///
    /// It is probably a reference of a custom resource. If it is, its controller would look for a Secret that is gone.
    ///
    /// # What to do
    ///
    /// Add the `references` line that the message shows. If the field means something else, set `policy.leftBehind` to `warn`.
    LeftBehind = "left-behind",
    /// A removed Secret's name inside a text.
    ///
    /// # What it means
    ///
    /// An argument, a script or a file of a ConfigMap names the Secret. Only objects and settings that are embedded as YAML
    /// or JSON are redirected, and texts of a format that is known or declared.
    ///
    /// # What to do
    ///
    /// See whether a program reads the Secret by this name, and change it in the chart's values. `policy.texts` says how much
    /// such findings matter.
    NameInText = "name-in-text",
    /// A value of a removed Secret, somewhere else in the stream.
    ///
    /// # What it means
    ///
    /// A comment, an annotation, a ConfigMap or an argument repeats it, plain, in base64 or as in a URL.
    ///
    /// # What to do
    ///
    /// Take it out in the chart's values, and rotate it: everyone who could read that object knows it.
    ValueLeftBehind = "value-left-behind",
    /// A `caBundle` that belongs to the certificate of a removed Secret.
    ///
    /// # What it means
    ///
    /// The API server calls what is behind it only with a certificate of this CA, and the vault's may be of another one.
    ///
    /// # What to do
    ///
    /// Let cert-manager make both, or vault a certificate of this CA and allow the place.
    CaBundle = "ca-bundle",
    /// An annotation of a pod template that hashes a removed Secret.
    ///
    /// # What it means
    ///
    /// Charts restart pods by the hash of a Secret's template. That hash still changes with values that no pod reads any more.
    ///
    /// # What to do
    ///
    /// Add the `dropAnnotations` line that the message shows.
    ChecksumAnnotation = "checksum-annotation",
    /// Two values that differ and would become one key of a vaulted Secret.
    ///
    /// # What it means
    ///
    /// A rule sends several Secrets, keys or literals to one key. What used the other value can no longer log in.
    ///
    /// # What to do
    ///
    /// Give one of them a key of its own, by the rule in the message, or make them the same in the chart's values first.
    TwoValues = "two-values",
    /// A literal that looks like a credential and that no rule covers.
    ///
    /// # What it means
    ///
    /// By the last word of its name (`DB_PASS`, not `PASSWORD_POLICY`), or by its value alone: a URL with a password, a private
    /// key, a token, the hash of a password. Variables, arguments, annotations, headers, ConfigMaps, custom resources.
    ///
    /// # What to do
    ///
    /// Vault it by a rule in `spec.env`, move it to a Secret in the chart's values, or set `policy.plaintext`.
    Plaintext = "plaintext",
    /// An object that `resecret patches` must change and no patch can name.
    ///
    /// # What it means
    ///
    /// A patch finds its object by kind, name and namespace. This one has no name, or shares all three with another
    /// object, so a patch would miss it or change both.
    ///
    /// # What to do
    ///
    /// Give the object a name or namespace of its own in the chart's values, or run the filter itself.
    Untargetable = "untargetable",
    /// A vaulted Secret that is not among those that `keys --against` was given.
    ///
    /// # What it means
    ///
    /// Something in the release reads it. Without it the pod cannot start.
    ///
    /// # What to do
    ///
    /// Make it: `resecret keys -o external-secret` (or another form) prints a manifest to start from. Or give the file
    /// that holds it to `--against` too.
    MissingSecret = "missing-secret",
    /// A key that a vaulted Secret should have and does not have.
    ///
    /// # What it means
    ///
    /// A container that reads it does not start (CreateContainerConfigError), or a file is not there.
    ///
    /// # What to do
    ///
    /// Add the key in the vault, under this very name, or rename it by `keys` in the rule.
    MissingKey = "missing-key",
    /// A key of a vaulted Secret without a value.
    ///
    /// # What it means
    ///
    /// The key is there and holds nothing, or still the placeholder of a manifest that `resecret keys` has printed.
    ///
    /// # What to do
    ///
    /// Store the value in the vault.
    EmptyValue = "empty-value",
    /// A value of a vaulted Secret that its reader will not understand.
    ///
    /// # What it means
    ///
    /// `spec.formats`, a preset or Kubernetes demands a format, or a text of one line ends with a line break, which
    /// becomes part of the password. The message says what is wrong and never what the value is.
    ///
    /// # What to do
    ///
    /// Correct the value in the vault, as the message says. Take care with keys that encrypt: data written with the
    /// old one can only be read with the old one.
    WrongFormat = "wrong-format",
    /// What no policy of the API server can express.
    ///
    /// # What it means
    ///
    /// A server judges one object at a time. What a rule says about others (`source`, `keepExisting`, labels) must be known:
    /// as an error, no policy is printed. As a warning, the policies are printed and leave this open; with `-o mutate` it
    /// is what no mutation can do.
    ///
    /// # What to do
    ///
    /// Name a render: `resecret guard render.yaml` takes names from it. Or name what is meant in the configuration. What
    /// is left open is for the filter; what a mutation leaves alone is refused by the policies without `-o mutate`.
    Guard = "guard",
    /// An object that the policies of `resecret guard` refuse, or a place that they do not look at.
    ///
    /// # What it means
    ///
    /// `resecret guard --check` found what the filter would change. As an error, a server with the policies refuses the
    /// object. As a warning, no policy looks at the place, and the server takes the object.
    ///
    /// # What to do
    ///
    /// Send what the filter makes of it: with `--post-renderer resecret`, or `resecret < FILE | kubectl apply -f -`.
    GuardRefuses = "guard-refuses",
    /// A live release that `resecret adopt` finds no safe way for.
    ///
    /// # What it means
    ///
    /// Every way to upgrade this object loses something or fails in the middle, so no script is written.
    ///
    /// # What to do
    ///
    /// Decide what the message asks, and run `resecret adopt` again.
    NoSafeWay = "no-safe-way",
    /// A place that differs between two renders of the same chart and values.
    ///
    /// # What it means
    ///
    /// The render makes it: a random password, a certificate, what hashes them. Where nothing looks at the cluster (Argo CD, Flux,
    /// pipes), every upgrade changes it. `resecret check --again` found it in what the filter writes.
    ///
    /// # What to do
    ///
    /// Add the rule that the message shows, or set the value in the chart's values.
    ChangesOnEveryRender = "changes-on-every-render",
}
