"""What a field is about, from its key and from what the schema says of it.

A field is `read` (it names a Secret that is read), `make` (it names one that is made), `none` (it names something else for
certain) or `ask` (nobody can say, or no Secret is likely). Rules run in the order
in which they stand here; a rule that cannot tell leaves the field to the next one.
"""

import re

SECRET = re.compile(r"secret", re.I)

# The key of a text that is a Secret's name: `secretName`, `tlsSecret`, `existing_secret_ref`.
NAMES_A_SECRET = re.compile(r"secrets?(_?(names?|refs?|references?))?$", re.I)

# Keys that sound like a Secret and are something else.
ABOUT_ANOTHER = re.compile(
    r"configmap|secret_?(store|class|arn|id|kms|manager|version|engine|expression|provider)|keyvault|externalsecret|pushsecretname",
    re.I,
)

# How schemas say that the Secret is made.
MADE = re.compile(
    r"secret (resource )?(that will be automatically created|to be (created|managed|written)|to create\b)"
    r"|name of the kubernetes \w*( or )?secret to write to"
    r"|used to store the automatically generated"
    r"|where the operator will store"
    r"|has information needed to output a secret"
    r"|syncing the .{0,60} secrets? to kubernetes"
    r"|secrets? to be created"
    r"|kubernetes secret (that )?(will be|gets) created"
    r"|write(s)? (the )?\w+( \w+)? to (this|the) (kubernetes )?secret",
    re.I,
)

# How they say that a mapping refers to one, in the text of its name …
NAME_OF_A_SECRET = re.compile(
    r"reference a secret resource"
    r"|kubernetes secret being referenced"
    r"|name of the referenced secret"
    r"|name of (a|an|the|any) (?!kubernetes configmap)(\S+ ){0,3}?secrets?\b(?! (key|provider|store|class|template|manager))",
    re.I,
)
# … or in its own.
ABOUT_A_SECRET = re.compile(
    r"secret('s|\u2019s)? key|key (of|in|within|from) (a|the) (\S+ )?secret|\bsecrets?\b", re.I
)
# A name that says that it is that of something else.
NAME_OF_ANOTHER = re.compile(
    r"name of (the|a|an) (?:\S+ ){0,3}?(secretstore|store|storeconfig|serviceaccount|rabbitmq|vault|container|variable|header"
    r"|template|secrettransformation|generator|alertmanagerconfig|environment|issuer)\b|identifies the header"
    r"|existing kubernetes object corresponding to an elastic|referenced storeconfig|full image reference"
    r"|name is the key in the secret|name of the connection secret key|secretmanager|`name` of a `"
    r"|of the kubernetes configmap being|alertmanagerconfig custom resource|configmapname",
    re.I,
)
# A whole that says that it is something else, though Secrets come into it.
WHOLE_OF_ANOTHER = re.compile(
    r"cert-manager issuer|issuer or clusterissuer|tlscontext the host|reference to a configmap|configmapref holds"
    r"|service account that|which secret ?store|secret manager|need(s)? to be reloaded|pull secrets\. if|installer-specific"
    r"|bootstrap provider-specific|transformationref|custom entries to|reference to a (rabbitmqcluster|elasticsearch|kibana)",
    re.I,
)

# A text under a key that does not speak of Secrets, where the schema does.
TEXT_IS_A_NAME = re.compile(
    r"^(\w+( or \w+)? is )?(the )?(optional )?(\w+ )?(name of (an? |the |any )?(\S+ ){0,3}?secrets?\b(?!.{0,30}(key|item|field))|secret name)"
    r"|^\w+ secret name|^(\w+ is the )secret name|^secret that contains|name of a local secret",
    re.I,
)
NOT_A_NAME = re.compile(r"(key|namespace|type|path|policy|template|version|id|arn|url|file|mode)s?$", re.I)


# A mapping of a name and a key, and of nothing else, takes a key of a Secret, or of a ConfigMap, which schemas say.
CONFIG_MAP = re.compile(r"config ?map|FromConfig$", re.I)


def kind_beside(field):
    """`kind` beside the name decides where the schema says what it can be; the program reads it, too."""
    if field.default_kind == "Secret":
        return "read"
    if field.kinds:
        return "kind" if "Secret" in field.kinds else "ask"
    return None


def other_resource(field):
    """References among managed resources of Crossplane and Config Connector, which no Secret can be."""
    if field.mapping and ("policy" in field.beside or "external" in field.beside):
        return "ask"
    return None


CONNECTIONS = ("writeConnectionSecretToRef", "publishConnectionDetailsTo")


def maker(field):
    text = " ".join(field.texts[: 2 if field.mapping else 1])
    if field.mapping and (field.key in CONNECTIONS or "operatorSpec" in field.path):
        return "make"
    return "make" if MADE.search(text) else None


def mapping(field):
    if not field.mapping:
        return None
    name, whole = field.texts[0], field.texts[1]
    if ABOUT_ANOTHER.search(field.key):
        return "ask"
    if NAME_OF_ANOTHER.search(name) and not NAME_OF_A_SECRET.search(name):
        return "ask"
    if "mode" in field.beside and "key" in field.beside and "path" in field.beside:
        return "ask"
    if SECRET.search(field.key):
        return "read"
    selects = "key" in field.beside and field.beside <= {"key", "optional", "namespace"}
    if selects and not any(map(CONFIG_MAP.search, (field.key, name, whole))):
        return "read"
    if WHOLE_OF_ANOTHER.search(whole) or not set(field.path) - {"*"}:
        return "ask"
    if NAME_OF_A_SECRET.search(name):
        return "read"
    # A Secret is named by little: its name, a key, a namespace, and how.
    small = len(field.beside) <= 6
    if small and ABOUT_A_SECRET.search(whole) and not {"value", "valueFrom", "items", "image"} & field.beside:
        return "read"
    return "ask"


def text(field):
    if field.mapping:
        return None
    if ABOUT_ANOTHER.search(field.key):
        return "ask"
    if SECRET.search(field.key):
        return "read" if NAMES_A_SECRET.search(field.key) else "ask"
    if NOT_A_NAME.search(field.key):
        return "ask"
    return "read" if TEXT_IS_A_NAME.search(field.texts[0]) else "ask"


RULES = (kind_beside, other_resource, maker, mapping, text)


def classify(field, reviewed):
    """The label of a field; what people have looked at counts before all rules."""
    by_hand = reviewed.label(field)
    if by_hand:
        return by_hand
    return next(label for rule in RULES if (label := rule(field)) is not None)
