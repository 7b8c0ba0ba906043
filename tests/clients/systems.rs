/// A system that the program serves: the folder of its example, and what is true of its release beyond
/// what is true of all.
#[derive(Clone, Copy)]
pub(crate) struct System {
    pub(crate) folder: &'static str,
    /// Variables that are all there and all read a Secret, by the name of that Secret.
    pub(crate) variables: &'static [(&'static str, &'static [&'static str])],
    /// Secrets of the chart, that are in its render and not in its release.
    pub(crate) chart_secrets: &'static [&'static str],
}

impl System {
    /// How many variables end as a reference.
    pub(crate) fn count(&self) -> usize {
        self.variables.iter().map(|(_, names)| names.len()).sum()
    }
}

/// In the order of examples/README.md.
pub(crate) const SYSTEMS: [System; 6] =
    [FIRST_HOUR, UMBRELLA, EXTERNAL_SECRETS, DATASPOKE, FROM_COMPOSE, AKS];

const FIRST_HOUR: System = System {
    folder: "first-hour",
    variables: &[("langfuse-vault", &["NEXTAUTH_SECRET", "SALT", "ENCRYPTION_KEY", "DATABASE_PASSWORD"])],
    chart_secrets: &["lf-langfuse-nextauth"],
};

const UMBRELLA: System = System {
    folder: "langfuse-umbrella",
    variables: &[(
        "langfuse-vault",
        &[
            "NEXTAUTH_SECRET",
            "SALT",
            "REDIS_CONNECTION_STRING",
            "CLICKHOUSE_PASSWORD",
            "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
        ],
    )],
    // Whether the chart renders it depends on the Helm: `null.rs` is about that.
    chart_secrets: &[],
};

const EXTERNAL_SECRETS: System = System {
    folder: "langfuse-external-secrets",
    variables: &[
        (
            "langfuse-vault",
            &[
                "NEXTAUTH_SECRET",
                "SALT",
                "ENCRYPTION_KEY",
                "CLICKHOUSE_PASSWORD",
                "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
                "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
                "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID",
                "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY",
                "LANGFUSE_S3_BATCH_EXPORT_ACCESS_KEY_ID",
                "LANGFUSE_S3_BATCH_EXPORT_SECRET_ACCESS_KEY",
            ],
        ),
        ("langfuse-postgres", &["DATABASE_PASSWORD"]),
        ("langfuse-redis", &["REDIS_PASSWORD"]),
        ("langfuse-api-key", &["LANGFUSE_API_KEY"]),
        ("langfuse-secret-key", &["LANGFUSE_SECRET_KEY"]),
    ],
    chart_secrets: &["lf-langfuse-nextauth"],
};

const DATASPOKE: System = System {
    folder: "dataspoke",
    variables: &[
        (
            "dataspoke-postgres-secret",
            &["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DATABASE", "POSTGRES_PWD"],
        ),
        ("dataspoke-redis-secret", &["REDIS_PASSWORD"]),
        ("dataspoke-qdrant-secret", &["QDRANT__SERVICE__API_KEY"]),
    ],
    chart_secrets: &["dataspoke-secrets"],
};

const FROM_COMPOSE: System = System {
    folder: "langfuse-from-compose",
    variables: &[(
        "langfuse-vault",
        &[
            "NEXTAUTH_SECRET",
            "SALT",
            "ENCRYPTION_KEY",
            "DATABASE_URL",
            "DIRECT_URL",
            "SHADOW_DATABASE_URL",
            "REDIS_CONNECTION_STRING",
            "REDIS_AUTH",
            "CLICKHOUSE_PASSWORD",
            "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
            "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID",
            "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY",
            "LANGFUSE_S3_BATCH_EXPORT_ACCESS_KEY_ID",
            "LANGFUSE_S3_BATCH_EXPORT_SECRET_ACCESS_KEY",
            "LANGFUSE_EE_LICENSE_KEY",
            "SMTP_CONNECTION_URL",
            "AUTH_GOOGLE_CLIENT_SECRET",
            "AUTH_AZURE_AD_CLIENT_SECRET",
            "LANGFUSE_INIT_USER_PASSWORD",
            "LANGFUSE_INIT_PROJECT_SECRET_KEY",
            "LANGFUSE_SECRET_KEY",
            "POSTGRES_PASSWORD",
            "MINIO_ROOT_USER",
            "MINIO_ROOT_PASSWORD",
        ],
    )],
    chart_secrets: &[],
};

const AKS: System = System {
    folder: "langfuse-aks",
    variables: &[
        (
            "langfuse-secrets",
            &[
                "NEXTAUTH_SECRET",
                "SALT",
                "ENCRYPTION_KEY",
                "DATABASE_PASSWORD",
                "REDIS_PASSWORD",
                "CLICKHOUSE_PASSWORD",
                "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID",
                "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY",
                "LANGFUSE_S3_MEDIA_UPLOAD_ACCESS_KEY_ID",
                "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY",
                "LANGFUSE_S3_BATCH_EXPORT_ACCESS_KEY_ID",
                "LANGFUSE_S3_BATCH_EXPORT_SECRET_ACCESS_KEY",
            ],
        ),
        ("langfuse-sso", &["AUTH_AZURE_AD_CLIENT_SECRET"]),
    ],
    chart_secrets: &["langfuse-nextauth"],
};
