//! The codes of rules that move some keys and leave what holds them. They follow all but those of upgrades.

/// Defines the codes that it is given, and these behind them.
macro_rules! with_split {
    ($($others:tt)*) => {
        with_hazards! {
            $($others)*
            /// A Secret that a rule cannot split.
            ///
            /// # What it means
            ///
            /// A rule with `only` moves some keys, and the Secret stays with the others. Here none would stay, its type asks for a
            /// moved key, another rule wants more keys of it, or the vaulted Secret would be the same object.
            ///
            /// # What to do
            ///
            /// As the message says: leave out `only`, or bring the keys into one rule.
            SplitSecret = "split-secret",
            /// A reader of a whole Secret of which only some keys go to the vault.
            ///
            /// # What it means
            ///
            /// A pod that takes every key by `envFrom` or a volume gets an entry or a source more. What names a Secret and no
            /// key, as an Ingress and many operators do, can read one Secret alone.
            ///
            /// # What to do
            ///
            /// Move all keys: leave out `only`. Where it reads none of the moved keys, allow the place.
            WholeReader = "whole-reader",
            /// A moved key that `envFrom` brings, of which nobody knows whether something overrides it.
            ///
            /// # What it means
            ///
            /// Of two sources with one key the later one wins. An entry of `env` wins over both, and so does the one that a moved key
            /// gets. Here a later source is not in the stream, so its keys are not known; or an optional entry may give nothing.
            ///
            /// # What to do
            ///
            /// If the source has no such key, or the entry always gives a value, allow the place.
            EnvFromOrder = "env-from-order",
            /// Settings that a rule sends to the vault with the credentials of the same Secret.
            ///
            /// # What it means
            ///
            /// Charts compute some keys on every upgrade: an image tag, a host, a mode. In the vault they stay as they were, and the
            /// next chart version runs with the old ones. Only `check` says so.
            ///
            /// # What to do
            ///
            /// Move the credentials alone, by the `only` that the message shows. Or allow the finding.
            StaleSettings = "stale-settings",
        }
    };
}

pub(super) use with_split;
