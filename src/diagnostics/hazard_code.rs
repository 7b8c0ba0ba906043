//! The codes of `check --previous`: what an upgrade of a live release can lose. They follow all others.

/// Defines the codes that it is given, and these behind them.
macro_rules! with_hazards {
    ($($others:tt)*) => {
        codes! {
            $($others)*
            /// A live object that is not what the manifest of its release says, or a value that would not go back.
            ///
            /// # What it means
            ///
            /// A patch lost something, somebody else writes the object, or (`adopt --back`) the chart renders another value.
            ///
            /// # What to do
            ///
            /// Upgrade once more, or look who else writes the object. On the way back, give `--value` the chart's value.
            NotLive = "not-live",
            /// A variable that the next upgrade would take out of the live object, although the manifest has it.
            ///
            /// # What it means
            ///
            /// Of several entries one is left. A client-side upgrade deletes all entries of the name, and Helm reports success.
            /// The same upgrade once more brings it back; pods that start in between run without it.
            ///
            /// # What to do
            ///
            /// Upgrade with the flags that the message names, and accept the hazard for that one run.
            LostVariable = "lost-variable",
            /// A variable that the next upgrade would leave with another content than the manifest's.
            ///
            /// # What it means
            ///
            /// A client-side upgrade matches entries by name, as if names were unique: the first one of several gets what was
            /// meant for another. Helm reports success.
            ///
            /// # What to do
            ///
            /// Upgrade with the flags that the message names, and accept the hazard for that one run.
            WrongVariable = "wrong-variable",
            /// An object that the next upgrade fails at.
            ///
            /// # What it means
            ///
            /// The patch would give a variable a literal beside a reference, or contradicts its own order; or a field changes that
            /// the API server never changes (a Job's template, the parameters of a StorageClass, the claims of a StatefulSet, a
            /// selector, a Service's address, an immutable Secret or ConfigMap). Helm goes through the other objects all the same: the release is half upgraded.
            ///
            /// # What to do
            ///
            /// Upgrade with the flags that the message names, or delete the object first where it says so, and accept the hazard
            /// for that one run.
            RefusedPatch = "refused-patch",
            /// An object that the API server refuses when it is applied on the server.
            ///
            /// # What it means
            ///
            /// A variable is defined several times in a container. Server-side apply, Helm 4's default, takes no such list.
            ///
            /// # What to do
            ///
            /// Let the filter keep one entry: a rule in `spec.env`, or `spec.duplicates`.
            RefusedApply = "refused-apply",
            /// A live Secret that the next upgrade deletes.
            ///
            /// # What it means
            ///
            /// It is in the last manifest and not in the new one. Its values may be nowhere else, not even in the chart.
            ///
            /// # What to do
            ///
            /// Copy the values into the vault and keep the live object with the command that the message shows. Then accept the
            /// hazard, or put `kubectl get secret NAME -o yaml` behind the manifest, where the annotation answers it.
            DeletedSecret = "deleted-secret",
            /// A live Secret that the next upgrade deletes and that the new release still reads.
            ///
            /// # What it means
            ///
            /// The vaulted Secret has the chart Secret's own name, or a hook reads it that passes through no post-renderer.
            ///
            /// # What to do
            ///
            /// As for `deleted-secret`. Whatever fills the live object must not take the annotation away.
            DeletedSecretInUse = "deleted-secret-in-use",
            /// A variable that a rollback to the last release would lose.
            ///
            /// # What it means
            ///
            /// A rollback sends the old manifest through no post-renderer and merges by name like an upgrade: "Rollback was a
            /// success!" is no proof. An upgrade with `--atomic` rolls back by itself when it fails.
            ///
            /// # What to do
            ///
            /// Roll forward instead: upgrade to the old chart and values with the same rules. Accept it once that is agreed.
            RollbackVariable = "rollback-variable",
            /// A Secret of the vault that a rollback to the last release would overwrite.
            ///
            /// # What it means
            ///
            /// The last release rendered a Secret under the name that the vault fills from now on. A rollback writes the
            /// chart's values into it and takes the annotation away that kept it: the upgrade after that deletes it.
            ///
            /// # What to do
            ///
            /// Roll forward instead: upgrade to the old chart and values with the same rules. Accept it once that is agreed.
            RollbackSecret = "rollback-secret",
        }
    };
}

pub(super) use with_hazards;
