//! Chooses the namespace of a vaulted Secret when not all of its readers name one.
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
        // Where nothing reads the Secret, everyone who finds it takes all that it had.
        for secret in &mut self.secrets {
            let is_read = secret.is_read();
            let unread = secret.keys.iter_mut().filter(|key| key.readers.is_empty());
            unread.for_each(|key| key.optional = is_read);
        }
    }

    /// Where a Secret belongs whose readers say no namespace.
    fn namespaces(&self, secret: &VaultedSecret, release: Option<&str>) -> Vec<Option<String>> {
        let known = self.secrets.iter().filter(|known| known.name == secret.name);
        let known: Vec<Option<String>> = known.map(|known| known.namespace.clone()).collect();
        // Who takes no key by name, such as a ClusterRole, asks for none that the others do not have.
        let takes_none = secret.keys.iter().all(|key| key.readers.is_empty());
        // What is of the whole cluster is in no namespace, and so not in the release's.
        let is_of_cluster = secret.keys.is_empty()
            && secret.readers.iter().all(|reader| reader.object.kind.starts_with("Cluster"));
        if let Some(release) = release.filter(|_| known.is_empty() || !is_of_cluster) {
            return vec![Some(release.to_owned())];
        }
        let is_one_of_them = known.len() == 1 || (!known.is_empty() && takes_none);
        if is_one_of_them { known } else { vec![None] }
    }
}
