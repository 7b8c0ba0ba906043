//! In which namespace a vaulted Secret is whose readers do not all say.
//!
//! Some templates write the release's namespace, others leave it to Helm, and an object of the whole cluster has none. All of
//! them read one Secret: two manifests of one name would replace each other.

use crate::analysis::keys::{Vault, VaultedSecret};

impl Vault {
    /// Puts Secrets of no known namespace where they belong: in the release's, or with the only one of their name.
    pub(super) fn settle(&mut self, release: Option<&str>) {
        let (known, unknown): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.secrets).into_iter().partition(|secret| secret.namespace.is_some());
        self.secrets = known;
        for secret in unknown {
            for namespace in self.namespaces(&secret, release) {
                self.add(VaultedSecret { namespace, ..secret.clone() });
            }
        }
    }

    /// Where a Secret belongs whose readers say no namespace.
    fn namespaces(&self, secret: &VaultedSecret, release: Option<&str>) -> Vec<Option<String>> {
        if let Some(release) = release {
            return vec![Some(release.to_owned())];
        }
        let known = self.secrets.iter().filter(|known| known.name == secret.name);
        let known: Vec<Option<String>> = known.map(|known| known.namespace.clone()).collect();
        // Who takes no key by name, such as a ClusterRole, asks for none that the others do not have.
        let is_one_of_them = known.len() == 1 || (!known.is_empty() && secret.keys.is_empty());
        if is_one_of_them { known } else { vec![None] }
    }
}
