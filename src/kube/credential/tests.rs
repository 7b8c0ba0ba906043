//! Names and values, and what must be found in them.

use super::*;

/// Names with a value that could be anything, that must be found.
#[rustfmt::skip]
const CREDENTIALS: [&str; 113] = [
    "NEXTAUTH_SECRET", "SALT", "ENCRYPTION_KEY", "DATABASE_PASSWORD", "REDIS_AUTH", "CLICKHOUSE_PASSWORD",
    "LANGFUSE_S3_EVENT_UPLOAD_ACCESS_KEY_ID", "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY", "LANGFUSE_EE_LICENSE_KEY",
    "AUTH_GOOGLE_CLIENT_SECRET", "LANGFUSE_INIT_USER_PASSWORD", "LANGFUSE_SECRET_KEY", "AWS_ACCESS_KEY_ID",
    "API_TOKEN", "MY_APIKEY", "DB_PWD", "DB_PASSWD", "GOOGLE_CREDENTIALS", "adminPassword", "db-password",
    "spring.datasource.password", "JWT_SECRET", "DB_PASS", "PGPASSWORD", "SMTP_PASS", "PASSPHRASE", "JWTSECRET",
    "APITOKEN", "PASSWORD1", "AUTHORIZATION", "COOKIE", "RABBITMQ_ERLANG_COOKIE", "JWT", "MB_DB_PASS",
    "RABBITMQ_DEFAULT_PASS", "SUPABASE_SERVICE_KEY", "GF_SECURITY_ADMIN_PASSWORD", "KC_DB_PASSWORD", "BOTH_PASSWORD",
    "S3SECRETACCESSKEY", "S3ACCESSKEYID", "secretkey", "accesskey", "redisPass", "passphrase", "DashLicense", "dsn",
    "SENTRY_DSN", "encryptionKey", "admin/password", "root-password", "rootpw", "LDAP_BIND_PW", "userpass",
    "SECRET_KEY_BASE", "TOKEN_VALUE", "API_KEY_PROD", "PASSWORD_OLD", "password2", "DBPassword", "APIKey",
    "OAuthToken", "GitHubToken", "githubToken", "MySQLRootPassword", "MINIO_ACCESS_KEY", "AZURE_STORAGE_KEY",
    "ACCOUNT_KEY", "APP_KEY", "MASTER_KEY", "SIGNING_KEY", "PRIVATE_KEY", "SSH_KEY", "HMAC_KEY", "FERNET_KEY",
    "FERNET_KEYS", "API_KEYS", "SHARED_KEY", "SESSION_SECRET", "COOKIE_SECRET", "WEBHOOK_SECRET", "SECRET", "TOKEN",
    "PASSWORD", "PASS", "PWD", "PSK", "PEPPER", "PASSWORD_PEPPER", "PASSWORD_HASH", "LICENSE", "LICENSE_KEY", "X-Api-Key",
    "Authorization", "X-Auth-Token", "BOT_TOKEN", "ACCESS_TOKEN", "REFRESH_TOKEN", "BEARER_TOKEN", "tokens", "secrets",
    "ADMIN_CREDENTIALS", "DB_CREDS", "requirepass", "masterauth", "smtp_auth_password", "service_key", "routing_key",
    "GITLAB_ROOT_PASSWORD", "DATADOG_API_KEY", "NEW_RELIC_LICENSE_KEY", "INFLUXDB_TOKEN", "CONSUMER_SECRET",
];

/// The same, that must not.
#[rustfmt::skip]
const OTHERS: [&str; 109] = [
    "NEXT_PUBLIC_API_KEY", "LANGFUSE_PUBLIC_KEY", "PASSWORD_FILE", "POSTGRES_PASSWORD_PATH", "SECRET_NAME",
    "AUTH_CLIENT_ID", "KEY_ID", "TOKEN_TTL", "AUTH_HOST", "AUTH_PORT", "AUTH_ENABLED", "PASSWORD_LENGTH", "KEY_PREFIX",
    "NEXTAUTH_URL", "KEYBOARD", "MONKEY", "AUTHOR", "DATABASE_HOST", "NODE_ENV", "TOKENIZER", "SECRETARY", "HOSTNAME",
    "ACCESS_TOKEN_SECRET_NAME", "CREDENTIAL_USERNAME", "REGISTRY_CREDENTIAL_USERNAME", "PASSWORD_USER", "AUTH_METHOD",
    "AUTH_MODE", "SASL_AUTH_MECHANISM", "TOKEN_AUDIENCE", "TOKEN_DOMAIN", "COOKIE_DOMAIN", "AUTH_SERVICE",
    "AUTH_BACKEND", "SECRET_BACKEND", "SECRET_NAMESPACE", "PASSWORD_COMPLEXITY", "AUTH_REALM", "SECRET_SELECTOR",
    "CREDENTIAL_HELPERS", "COOKIE_SAME_SITE", "PASSWORD_CMD", "AUTH_FORMAT", "TOKEN_FORMAT", "SECRET_REF", "AUTH_CLASS",
    "SECRET_KIND", "TOKEN_LABEL", "nodeLabelKey", "LABEL_KEY", "taint-key", "TAINT_KEY", "LOG_KEY", "MESSAGE_KEY",
    "LEVEL_KEY", "TIME_KEY", "CACHE_KEY", "SORT_KEY", "PARTITION_KEY", "PRIMARY_KEY", "FOREIGN_KEY", "TOPOLOGY_KEY",
    "userPasswordKey", "passwordKey", "usernameKey", "configMapKey", "PUBLIC_KEY", "SSH_PUBKEY", "JWT_PUBLIC_KEY",
    "SECRET_ROTATION", "TOKEN_EXPIRY", "PASSWORD_POLICY", "PASSWORD_MIN_LENGTH", "PASSWORD_ATTEMPTS", "TOKEN_URL",
    "TOKEN_ENDPOINT", "AUTH_URL", "AUTH_PROVIDER", "AUTH_TYPE", "SECRET_TYPE", "KEY_TYPE", "KEY_SIZE", "KEY_ALGORITHM",
    "JWT_ALGORITHM", "SALT_ROUNDS", "COOKIE_NAME", "COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "TOKEN_ISSUER",
    "TOKEN_SCOPE", "AUTH_ROLE", "AUTH_SCOPES", "SECRET_PROVIDER", "SECRET_STORE", "SECRETS_PATH", "KEY_STORE_TYPE",
    "KEYSTORE", "TRUSTSTORE_TYPE", "key.serializer", "secretName", "tokenurl", "passwordfile", "imagePullSecret",
    "imagepullsecrets", "EXISTING_SECRET", "existingSecret", "proxy_pass", "BYPASS", "LICENSE_FILE",
];

#[test]
fn a_name_is_found_by_its_last_word() {
    let found = |name| reason(name, "hunter2Hunter2", NameContext::Flat).is_some();
    let missed: Vec<&str> = CREDENTIALS.into_iter().filter(|name| !found(name)).collect();
    let wrong: Vec<&str> = OTHERS.into_iter().filter(|name| found(name)).collect();
    assert_eq!((missed, wrong), (vec![], vec![]), "(missed, wrong)");
}

/// A value under a harmless name and under `PASSWORD` and `API_TOKEN`, and why it must be found there.
type Expected = (&'static str, Option<Reason>, Option<Reason>, Option<Reason>);

const fn by_name(value: &'static str) -> Expected {
    (value, None, Some(Reason::Name), Some(Reason::Name))
}
const fn password(value: &'static str) -> Expected {
    (value, None, Some(Reason::Name), None)
}
const fn always(value: &'static str, reason: Reason) -> Expected {
    (value, Some(reason), Some(reason), Some(reason))
}
const fn never(value: &'static str) -> Expected {
    (value, None, None, None)
}

#[rustfmt::skip]
const VALUES: [Expected; 106] = [
    by_name("hunter2"), by_name("changeme"), by_name("S3cr3t!"), by_name("Fc9xQ0001z7LwKpT"), by_name("admin"),
    by_name("p@ss:w0rd"), by_name("aGVsbG8gd29ybGQ="), by_name("/aGVsbG8gd29ybGQ="), by_name("a+b/c1"),
    never("-----BEGIN CERTIFICATE-----\nMIIE"), by_name("task-0123456789abcdefghij"), by_name("npm_config_cache"),
    by_name("my-secret"), by_name("super-secret-key"),
    password("123456"), password("0000"), password("12345678e1"), password("correct horse battery staple"),
    password("basic"), password("plain"),
    never(""), never("true"), never("False"), never("30"), never("1e+09"), never("30s"), never("512Mi"), never("1.5"),
    never("/run/secrets/password"), never("./password.txt"), never("~/token"), never("secret/data/app"),
    never("$(DB_PASSWORD)"), never("${DB_PASSWORD}"), never("$DB_PASSWORD"), never("%DB_PASSWORD%"),
    never("{{ .Values.password }}"), never("<your password>"), never("[your-api-key]"), never("your-api-key"),
    never("YOUR_TOKEN_HERE"), never("insert-token-here"), never("xxxxxxxx"), never("********"), never("REDACTED"),
    never("none"), never("null"), never("__PASSWORD__"), never("@password@"), never("%s"), never("$__file{/run/p}"),
    never("vault:secret/data/app#password"), never("ref+vault://app/password"), never("arn:aws:secretsmanager:eu:1:secret:x"),
    never("https://login.example.com/"), never("token.txt"), never("tls.key"), never("{}"), never("[]"),
    always("postgres://user:hunter2@db:5432/x", Reason::UrlPassword),
    always("redis://:hunter2@redis:6379", Reason::UrlPassword),
    always("postgres://u:123456@db", Reason::UrlPassword),
    always("mongodb+srv://u:p%40ss@h/db", Reason::UrlPassword),
    always("amqp://guest:guest@rabbit:5672/%2f", Reason::UrlPassword),
    always("u:hunter2Hunter2@tcp(db:3306)/x", Reason::UrlPassword),
    never("redis://default:$(REDIS_PASSWORD)@redis:6379/0"), never("http://$USER:$PASSWORD@h/"),
    never("http://%s:%s@h/"), never("http://user:<password>@h/"), never("http://user:****@h/"), never("http://u:{password}@h/"),
    never("postgres://user@db:5432/x"), never("http://host:8080/path@v1"),
    always("jdbc:postgresql://h/db?user=u&password=hunter2Hunter2", Reason::ConnectionString),
    always("host=db user=u password=hunter2Hunter2 dbname=x", Reason::ConnectionString),
    always("Server=db;User Id=sa;Password=hunter2Hunter2;", Reason::ConnectionString),
    always("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=aGVsbG8gd29ybGQ=;EndpointSuffix=x", Reason::ConnectionString),
    always("Endpoint=sb://x/;SharedAccessKey=aGVsbG8gd29ybGQ=", Reason::ConnectionString),
    always("host=db password='hunter2 Hunter2'", Reason::ConnectionString),
    never("jdbc:postgresql://h/db?user=u&password=${PASSWORD}"),
    always("-----BEGIN RSA PRIVATE KEY-----\nMIIE", Reason::PrivateKey),
    always("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", Reason::PrivateKey),
    always("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ", Reason::PrivateKey),
    always("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", Reason::Jwt),
    always("AKIAIOSFODNN7EXAMPLE", Reason::TokenPrefix),
    always("ghp_0123456789abcdefghijABCDEFGHIJ012345", Reason::TokenPrefix),
    always("ghu_0123456789abcdefghijABCDEFGHIJ012345", Reason::TokenPrefix),
    always("github_pat_0123456789abcdefghij", Reason::TokenPrefix),
    always("sk-lf-0123456789abcdef0123", Reason::TokenPrefix),
    always("sk_live_0123456789abcdef", Reason::TokenPrefix),
    always("xoxb-1234567890-abcdef", Reason::TokenPrefix),
    always("xapp-1-A0123456789-0123456789", Reason::TokenPrefix),
    always("glpat-0123456789abcdefghij", Reason::TokenPrefix),
    always("AIza0123456789abcdefghijABCDEFGHIJ0123456", Reason::TokenPrefix),
    always("hvs.0123456789abcdefghijABCD", Reason::TokenPrefix),
    always("hf_0123456789abcdefghijABCD", Reason::TokenPrefix),
    always("https://hooks.slack.com/services/T0123/B0123/0123456789abcdef0123", Reason::TokenPrefix),
    always("admin:$apr1$0123abcd$0123456789abcdefghijkl", Reason::PasswordHash),
    always("$2y$10$0123456789012345678901234567890123456789012345678901u", Reason::PasswordHash),
    always("Authorization: Bearer 0123456789abc", Reason::Header),
    never("Authorization: Bearer $TOKEN"),
    password("simple"), password("kubernetes"), never("3"), never("off"), never("%PASSWORD%"),
];

#[test]
fn a_value_is_found_alone_or_with_its_name() {
    let wrong = VALUES.into_iter().filter(|(value, alone, password, token)| {
        let found = |name| reason(name, value, NameContext::Flat);
        (found("X"), found("PASSWORD"), found("API_TOKEN")) != (*alone, *password, *token)
    });
    assert_eq!(wrong.collect::<Vec<_>>(), []);
}

#[test]
fn what_is_found_is_told_from_bytes_before() {
    let values = VALUES.into_iter().filter(|(_, alone, ..)| alone.is_some()).map(|(value, ..)| value);
    let others = [
        "\u{212a}EY: 0123456789abcdef",
        "Endpoint=x;\n  Sig=hunter2Hunter2",
        "\"x\\tAKIAIOSFODNN7EXAMPLE\"",
        "Identified by 'hunter2'",
        "#!/bin/sh\nmysql -phunter2",
        "run.sh: |\n  mysql -phunter2",
        "\"run.py\": x",
    ];
    for text in CREDENTIALS.into_iter().chain(values).chain(others) {
        assert!(may_hold(text.as_bytes()), "{text}");
    }
    for text in [
        "helm.sh/chart: app-1.2.3",
        "postrenderer.helm.sh/postrender-filename: app/templates/service.yaml",
        "app.kubernetes.io/managed-by: Helm",
        "prometheus.io/port: '9090'",
        "checksum/config: 0123456789abcdef",
    ] {
        assert!(!may_hold(text.as_bytes()), "{text}");
    }
}

#[test]
fn a_field_names_what_is_elsewhere() {
    for (name, value, expected) in [
        ("key", "hunter2Hunter2", false),
        ("secret", "app-secret", false),
        ("secret", "s1", false),
        ("tokenSecret", "my-token", false),
        ("client_secret", "hunter2Hunter2", true),
        ("password", "changeme", true),
    ] {
        assert_eq!(reason(name, value, NameContext::Field).is_some(), expected, "{name}: {value}");
    }
    for (name, value, expected) in [
        ("checksum/secret", "0123456789abcdef0123456789abcdef", false),
        ("example.org/secret-hash", "0123456789abcdef", false),
        ("example.org/auth-secret", "app-basic-auth", false),
        ("secret.reloader.example.org/reload", "app-secret", false),
        ("example.org/api-token", "hunter2Hunter2", true),
        ("example.org/password", "changeme", true),
    ] {
        assert_eq!(reason(name, value, NameContext::Annotation).is_some(), expected, "{name}: {value}");
    }
    for (value, expected) in [("app-secret", false), ("release-db-credentials", false), ("my-secret", true)] {
        assert_eq!(reason("CLIENT_SECRET", value, NameContext::Flat).is_some(), expected, "{value}");
    }
}

#[test]
fn lines_of_files_are_settings() {
    for (text, names) in [
        ("a: b\npassword: hunter2\n", &["password"][..]),
        ("# password: hunter2\n; password = hunter2\n// token: hunter2x\n", &[]),
        ("db:\n  user: u\n  pass: \"hunter2\"  # comment\n", &["pass"]),
        ("spring.datasource.password=hunter2\nserver.port=80\n", &["spring.datasource.password"]),
        ("[security]\nadmin_password = hunter2\nsecret_key = hunter2x9\n", &["admin_password", "secret_key"]),
        ("{\n  \"password\": \"hunter2\",\n  {{ if x }}\n}\n", &["password"]),
        ("requirepass hunter2\nport 6379\n", &["requirepass"]),
        (
            "<db>\n<password>hunter2</password>\n<property name=\"db.password\">hunter3</property>\n",
            &["password", "db.password"],
        ),
        ("<entry key=\"api.token\" value=\"hunter2x\"/>\n\n", &["api.token"]),
        ("env:\n- name: API_TOKEN\n  value: hunter2x\n- name: USER\n  value: hunter2x\n", &["API_TOKEN"]),
        (
            "auth: {username: ci, password: hunter2, token: '{{ .x }}'}\nrefs: {key: password, secretRef: {name: a}}\n",
            &["password"],
        ),
        ("a: [{b: c}, {smtp: {host: h, \"pass\": hunter2}}]\ntitle: \"Token: expired\"\n", &["pass"]),
        ("tokens:\n- hunter2x\n- hunter3x\nnames:\n- hunter4x\n", &["tokens"]),
        ("password: |\n  hunter2\nuser: |\n  hunter3\n", &["password"]),
        ("jaas = x required username=\"u\" password=\"hunter2\";\n\n", &["password"]),
        ("CREATE USER u IDENTIFIED BY 'hunter2';\nSELECT 1;\n", &["password"]),
        ("machine h login u password hunter2\n\n", &["password"]),
        ("ALTER USER u WITH PASSWORD :'pgpass';\nwsrep_sst_auth=\"root:\"\n", &[]),
        ("password: ${PASSWORD}\nsecret: $__file{/run/x}\ntoken: {{ .token }}\n", &[]),
        ("secretName: app-secret\nkey: password\nexisting_secret: hunter2x\n", &[]),
        ("password_file: /run/x\nbearer_token_file: /run/y\n", &[]),
    ] {
        let found: Vec<String> = in_text(text, false).into_iter().filter_map(|found| found.name).collect();
        assert_eq!(found, names, "{text}");
    }
    assert_eq!(in_text("a: b\nurl: https://u:hunter2@h/\n", false).len(), 1);
    for (script, names) in [
        ("#!/bin/sh\nPASSWORD=$1\nTOKEN=$(cat x)\npassword=$pw\n", &[][..]),
        ("#!/bin/sh\nexport PASSWORD=hunter2\n", &["PASSWORD"]),
        ("password = os.getenv('DB_PASSWORD')\ntoken = request.token\n", &[]),
        ("credentials=\":$(encode \"$PASSWORD\")\"\nx=\"$(a \"$b\")$credentials\"\n", &[]),
        ("connect(user='u', password='hunter2')\n", &["password"]),
        (
            "HEADER=\"Api-key: hunter2x\"\nSAID=\"Token: expired\"\ncurl -H \"X-Api-Key: $KEY\" h\n",
            &["Api-key"],
        ),
        ("f({password: request.password, token: t})\n", &[]),
    ] {
        let found: Vec<String> = in_text(script, true).into_iter().filter_map(|found| found.name).collect();
        assert_eq!(found, names, "{script}");
    }
    for script in
        ["echo hunter2x > $SECRETKEY_TMP", "printf hunter2x >>/run/api_token", "echo $X >> password"]
    {
        assert_eq!(in_text(script, true).len(), usize::from(!script.contains('X')), "{script}");
    }
    for script in
        ["redis-cli -a hunter2 ping", "exec mysql -uroot -phunter2 -e x", "curl -u u:hunter2 http://h/"]
    {
        assert_eq!(in_text(script, true).len(), 1, "{script}");
    }
}

#[test]
fn words_of_commands_are_judged_by_option_and_program() {
    for (words, positions) in [
        (&["web", "--password=hunter2", "--api-key", "hunter2", "status"][..], &[1, 3][..]),
        (&["web", "--password", "--verbose", "x"], &[]),
        (&["web", "-phunter2token", "run"], &[]),
        (&["kubectl", "create", "secret", "generic", "x", "--from-literal=password=hunter2"], &[5]),
        (&["helm", "install", "--set", "db.password=hunter2"], &[3]),
        (&["docker", "run", "-e", "DB_PASSWORD=hunter2"], &[3]),
        (&["PGPASSWORD=hunter2", "psql"], &[0]),
        (&["grep", "s/^password=.*/x"], &[]),
        (&["java", "-Dspring.password=hunter2"], &[1]),
        (&["openssl", "req", "-passout", "pass:hunter2"], &[3]),
        (&["server", "-pass=hunter2"], &[1]),
        (&["redis-cli", "-h", "localhost", "-a", "hunter2", "ping"], &[4]),
        (&["redis-cli", "-a", "$REDIS_PASSWORD"], &[]),
        (&["htpasswd", "-nb", "admin", "hunter2"], &[3]),
        (&["htpasswd", "-n", "admin"], &[]),
        (&["curl", "-u", "admin:hunter2", "http://h/"], &[2]),
        (&["curl", "-u", "admin", "http://h/"], &[]),
        (&["/usr/bin/mysql", "-uroot", "-phunter2"], &[2]),
        (&["docker", "run", "-p", "80:80"], &[]),
        (&["docker", "login", "-u", "me", "-p", "hunter2"], &[5]),
        (&["mc", "alias", "set", "minio", "http://h", "admin", "hunter2x"], &[6]),
        (&["mc", "anonymous", "set", "download", "local/bucket2x"], &[]),
        (&["mc", "admin", "user", "add", "local", "app", "hunter2x"], &[6]),
        (&["rabbitmqctl", "add_user", "u", "hunter2"], &[3]),
        (&["ldapsearch", "-D", "cn=admin", "-w", "hunter2"], &[4]),
        (&["--token-ttl=30x", "--secret-name=hunter2x"], &[]),
    ] {
        let found: Vec<usize> = arguments(None, words).iter().map(|found| found.position).collect();
        assert_eq!(found, positions, "{words:?}");
    }
    assert_eq!(arguments(Some("redis-cli"), &["-a", "hunter2"]).len(), 1);
}
