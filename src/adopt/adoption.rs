//! The release, chart and flags that a script is written for.

/// The release that a script is for, and how it is upgraded.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Its name.
    pub release: String,
    /// Its namespace; the context's if absent.
    pub namespace: Option<String>,
    /// The context of the kubeconfig; the current one if absent.
    pub context: Option<String>,
    /// The major of Helm.
    pub helm: Helm,
    /// The chart, as `helm upgrade` takes it.
    pub chart: String,
    /// What follows it: values files and the like.
    pub arguments: Vec<String>,
    /// The flags of the rules, as every command takes them.
    pub rules: Vec<String>,
    /// The file that holds the render.
    pub render: String,
    /// Who fills the vaulted Secrets.
    pub fill: Fill,
}

/// The lines of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helm {
    /// Helm 3.
    Three,
    /// Helm 4.
    Four,
}

/// Who fills the vaulted Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The script, with the live values.
    Copy,
    /// An operator or a person: the script waits.
    Wait,
}

/// A value of the chart that takes a key of a vaulted Secret, on the way back.
#[derive(Clone, Debug)]
pub struct ChartValue {
    /// The vaulted Secret; any that has the key if absent.
    pub secret: Option<String>,
    /// The key.
    pub key: String,
    /// The path in the chart's values.
    pub path: Vec<String>,
}

impl Helm {
    /// Its number.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Three => 3,
            Self::Four => 4,
        }
    }
}
