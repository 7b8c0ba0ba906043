package main

import "math/rand/v2"

// What a document means, before it is spelled. A text is a string; plain is spelled as it stands.
type (
	node  any
	plain string
	entry struct {
		key   string
		value node
	}
	mapping []entry
	list    []node
)

// maker makes random objects.
type maker struct{ *rand.Rand }

func (m *maker) chance(probability float64) bool { return m.Float64() < probability }

func pick[T any](m *maker, choices ...T) T { return choices[m.IntN(len(choices))] }

func (m *maker) shuffle(fields mapping) {
	m.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
}

// word is a value of no meaning.
func (m *maker) word() string {
	const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	word := make([]byte, 9)
	for at := range word {
		word[at] = letters[m.IntN(len(letters))]
	}
	return "Q" + string(word)
}

func (m *maker) object() node {
	switch m.IntN(6) {
	case 0, 1:
		return m.secret()
	case 2:
		return m.configMap()
	case 3:
		return mapping{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", m.metadata("p")}, {"spec", m.pod()}}
	default:
		template := mapping{
			{"metadata", mapping{{"annotations", mapping{{"note", m.word()}}}}},
			{"spec", m.pod()},
		}
		return mapping{
			{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"metadata", m.metadata("p")},
			{"spec", mapping{{"template", template}}},
		}
	}
}

func (m *maker) secret() node {
	secret := mapping{
		{"apiVersion", pick[node](m, "v1", "v1", "v1", "v1", "/v1", "apps/v1", plain("null"))},
		{"kind", pick(m, "Secret", "Secret", "Secret", "Secret", "Secret", "SecretList", "secret")},
		{"metadata", m.metadata(pick(m, m.secretName(), m.secretName(), m.secretName(), m.secretName(), m.readName()))},
	}
	if m.chance(.8) {
		field := pick(m, "stringData", "data", "stringData", "data", "Data", "stringdata")
		secret = append(secret, entry{field, mapping{{"a", m.word()}, {"c", m.value()}}})
	}
	if m.chance(.03) {
		secret = append(secret, entry{"items", pick[node](m, plain("null"), list{}, list{m.configMap()}, plain("x"))})
	}
	if m.chance(.2) {
		m.shuffle(secret)
	}
	return secret
}

func (m *maker) configMap() node {
	data := mapping{{"x", m.value()}}
	if m.chance(.4) {
		data = append(data, entry{pick(m, "a", "c"), m.value()})
	}
	if m.chance(.1) {
		data = data[1:]
	}
	return mapping{
		{"apiVersion", pick(m, "v1", "v1", "v1", "v1", "v1", "/v1", "apps/v1")},
		{"kind", pick(m, "ConfigMap", "ConfigMap", "ConfigMap", "Service")}, {"metadata", m.metadata(m.secretName())},
		{pick(m, "data", "data", "data", "data", "binaryData"), data},
	}
}

// listOf wraps an object in a list, under any kind: what has items is one.
func (m *maker) listOf(item node) node {
	items := list{item}
	for m.chance(.5) {
		items = append(items, m.object())
	}
	if m.chance(.1) {
		items = list{mapping{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}}}
	}
	wrapped := mapping{
		{"apiVersion", "v1"}, {"kind", pick(m, "List", "List", "List", "SecretList", "ConfigMap", "Secret")},
		{"items", items},
	}
	if m.chance(.2) {
		m.shuffle(wrapped)
	}
	return wrapped
}

func (m *maker) metadata(name string) node {
	fields := mapping{{"name", name}}
	if m.chance(.15) {
		fields = append(fields, entry{"labels", mapping{{"l", "v"}}})
	}
	if m.chance(.08) {
		fields = append(fields, entry{"namespace", pick[node](m, plain("null"), plain("~"), plain(""), "")})
	}
	return fields
}

func (m *maker) secretName() string {
	return pick(m, "x-chart", "x-chart", "other", "vault", "y-chart", "conf")
}

// readName is the name of a Secret or ConfigMap that something reads; not all are in the stream.
func (m *maker) readName() string {
	if m.chance(.2) {
		return pick(m, "gone", "gone", "away")
	}
	return m.secretName()
}

func (m *maker) pod() node {
	containers := list{m.container()}
	if m.chance(.3) {
		containers = append(containers, m.container())
	}
	pod := mapping{{"containers", containers}}
	if m.chance(.3) {
		pod = append(pod, entry{"volumes", list{m.volume(), m.volume()}})
	}
	if m.chance(.2) {
		pod = append(pod, entry{"initContainers", list{m.container()}})
	}
	m.shuffle(pod)
	return pod
}

func (m *maker) volume() node {
	switch m.IntN(6) {
	case 0, 1:
		return mapping{{"name", "v"}, {"configMap", m.files("name")}}
	case 2:
		sources := list{}
		for range 1 + m.IntN(3) {
			sources = append(sources, mapping{{pick(m, "secret", "configMap"), m.files("name")}})
		}
		return mapping{{"name", "v"}, {"projected", mapping{{"sources", sources}}}}
	}
	return mapping{{"name", "v"}, {"secret", m.files("secretName")}}
}

// files is what a volume takes of a Secret or ConfigMap, whose name stands under name.
func (m *maker) files(name string) node {
	source := mapping{{name, m.readName()}}
	switch m.IntN(5) {
	case 0:
		source = append(source, entry{"items", pick[node](m, plain("null"), plain(""), list{})})
	case 1, 2:
		items := list{}
		for range 1 + m.IntN(2) {
			items = append(items, mapping{{"key", pick(m, "a", "c", "x")}, {"path", pick(m, "p", "q")}})
		}
		source = append(source, entry{"items", items})
	}
	if m.chance(.1) {
		source = append(source, entry{"optional", pick(m, plain("true"), plain("false"))})
	}
	if m.chance(.1) && name != "name" {
		source = append(source, entry{"defaultMode", plain("256")})
	}
	m.shuffle(source)
	return source
}

func (m *maker) container() node {
	container := mapping{{"name", pick(m, "c", "d", "e")}, {"image", "i:1"}}
	if m.chance(.9) {
		env := list{}
		for range m.IntN(7) {
			env = append(env, m.variable())
		}
		container = append(container, entry{"env", env})
	}
	if m.chance(.2) {
		container = append(container, entry{"envFrom", m.sources()})
	}
	if m.chance(.2) {
		container = append(container, entry{"args", list{"--x", m.word()}})
	}
	m.shuffle(container)
	return container
}

// sources are what a container takes all keys of.
func (m *maker) sources() node {
	sources := list{}
	for range 1 + m.IntN(2) {
		reference := mapping{{"name", pick(m, "other", "vault", "conf", "x-chart", "away", "gone")}}
		source := mapping{{pick(m, "secretRef", "secretRef", "configMapRef", "configMapRef"), reference}}
		if m.chance(.3) {
			source = append(source, entry{"prefix", pick(m, "P_", "K")})
		}
		sources = append(sources, source)
	}
	return sources
}

func (m *maker) variable() node {
	names := []string{"SALT", "SALT", "KEY", "KX", "DEBUG", "HOST", "URL", "A", "B", "HOST", "A", "SALT2", "ADDED", "a", "x"}
	variable := mapping{{"name", pick(m, names...)}}
	switch m.IntN(6) {
	case 0, 1:
		reference := mapping{{"name", m.readName()}, {"key", pick(m, "a", "k", "c")}}
		if m.chance(.2) {
			reference = append(reference, entry{"optional", pick(m, plain("true"), plain("false"), plain("null"))})
		}
		m.shuffle(reference)
		variable = append(variable, entry{"valueFrom", mapping{{"secretKeyRef", reference}}})
	case 2:
		if m.chance(.6) {
			reference := mapping{{"name", m.readName()}, {"key", pick(m, "x", "x", "a")}}
			if m.chance(.2) {
				reference = append(reference, entry{"optional", pick(m, plain("true"), plain("false"), plain("null"))})
			}
			variable = append(variable, entry{"valueFrom", mapping{{"configMapKeyRef", reference}}})
			break
		}
		field := mapping{{"fieldPath", "metadata.name"}}
		variable = append(variable, entry{"valueFrom", mapping{{"fieldRef", field}}})
	default:
		if m.chance(.9) {
			variable = append(variable, entry{"value", m.value()})
		}
	}
	if m.chance(.1) {
		m.shuffle(variable)
	}
	return variable
}

func (m *maker) value() node {
	switch m.IntN(12) {
	case 0:
		return pick(m, plain("1"), "true", "null", "~", "Null", "0644", "1e3", "yes", "", "0x1F", "1_000", "12:30:45",
			"2001-01-01", ".inf", "=", "<<")
	case 1:
		return m.word() + "\n" + m.word() + "\n"
	case 2:
		return "$(" + pick(m, "A", "HOST", "SALT", "B", "DEBUG", "ADDED", "a", "x") + ")" + m.word()
	case 3:
		return "$$(" + pick(m, "A", "HOST") + ")"
	case 4:
		return m.word() + pick(m, ": x", " # y", "'", "\"", "\\", "{", ",", "]", "- ", "%", "@", "é", "\u2028",
			"\u2029", "\u0085", "\t", " z")
	case 5:
		return pick(m, "*", "&", "!", "%", "@", "`", "|", ">", "#", "?", "- ") + m.word()
	default:
		return m.word()
	}
}
