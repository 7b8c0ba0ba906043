package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// rules are the settings that vary from case to case; the rest of the configuration is the same for all.
type rules struct {
	suffix       string // of the Secrets that are removed
	duplicates   string
	keepExisting bool
	literalsOnly bool
	only         bool // whether only one key of those Secrets goes
}

const (
	vault   = "vault"
	renamed = "a" // the key that the vaulted Secret holds under another name
	newName = "b"
	removed = "DEBUG"
)

func (r rules) config() []byte {
	only := ""
	if r.only {
		only = fmt.Sprintf(", only: [%s]", renamed)
	}
	return fmt.Appendf(nil, `apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: "*%s", to: %s, keys: {%s: %s}%s}
  env:
  - {to: %s, vars: {SALT: salt, "K*": "*"}, remove: [%s], keepExisting: %v, literalsOnly: %v}
  duplicates: %s
  policy: {unmatched: allow, plaintext: allow, leftBehind: warn, external: allow}
`, r.suffix, vault, renamed, newName, only, vault, removed, r.keepExisting, r.literalsOnly, r.duplicates)
}

// ruleKey is the vaulted key of a variable that a rule decides.
func ruleKey(variable string) (string, bool) {
	if variable == "SALT" {
		return "salt", true
	}
	return variable, strings.HasPrefix(variable, "K")
}

// unknown is what the model has no opinion on: Kubernetes takes no such object.
type unknown struct{ reason string }

// model is one stream with the rules applied to it by meaning alone.
type model struct {
	rules
	rendered map[string]bool     // the names of the stream's Secrets
	keys     map[string][]string // of each removed Secret, in order
	maps     map[string][]string // the keys of each ConfigMap
}

// expect says what the objects of a stream become. The error says why it cannot be known.
func (r rules) expect(objects []object) (result []object, err error) {
	defer func() {
		if reason, ok := recover().(unknown); ok {
			err = errors.New(reason.reason)
		}
	}()
	m := model{r, map[string]bool{}, map[string][]string{}, map[string][]string{}}
	for _, candidate := range objects {
		if version := candidate["apiVersion"]; version != nil {
			if _, ok := version.(string); !ok {
				return nil, errors.New("an apiVersion is no text")
			}
		}
		m.learn(candidate)
	}
	for _, candidate := range objects {
		if isSecret(candidate) && m.goes(text(metadata(candidate), "name")) && !m.only {
			continue
		}
		if custom(candidate) && hasVariables(candidate, false) {
			return nil, errors.New("a custom resource has a list of variables outside its containers")
		}
		edited := runtime.DeepCopyJSON(candidate)
		if isSecret(edited) && m.only && m.goes(text(metadata(edited), "name")) {
			removeKey(edited)
		}
		m.edit(edited)
		result = append(result, edited)
	}
	return result, nil
}

func (m *model) goes(name string) bool {
	_, known := m.keys[name]
	return known
}

func (m *model) learn(candidate object) {
	name := text(metadata(candidate), "name")
	if text(candidate, "kind") == "ConfigMap" {
		data, _ := candidate["data"].(object)
		for key := range data {
			m.maps[name] = append(m.maps[name], key)
		}
	}
	if !isSecret(candidate) {
		return
	}
	m.rendered[name] = true
	if !strings.HasSuffix(name, m.suffix) || m.goes(name) {
		return
	}
	keys := []string{}
	for _, field := range []string{"data", "stringData"} {
		data, _ := candidate[field].(object)
		for key := range data {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	if !m.only || slices.Contains(keys, renamed) {
		m.keys[name] = keys
	}
}

// removeKey takes the moved key out of a Secret, and with the last key what holds it.
func removeKey(secret object) {
	for _, field := range []string{"data", "stringData"} {
		data, _ := secret[field].(object)
		if _, ok := data[renamed]; !ok {
			continue
		}
		delete(data, renamed)
		if len(data) == 0 {
			delete(secret, field)
		}
	}
}

// custom tells a resource that the API server does not bring.
func custom(candidate object) bool {
	group, _, found := strings.Cut(text(candidate, "apiVersion"), "/")
	return found && strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}

// hasVariables looks for lists of variables that are in no container; the catalogue of the program knows which they are.
func hasVariables(value any, isContainer bool) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, func(item any) bool { return hasVariables(item, isContainer) })
	case object:
		for key, member := range value {
			if _, isList := member.([]any); isList && !isContainer && strings.Contains(strings.ToLower(key), "env") {
				return true
			}
			if hasVariables(member, strings.HasSuffix(strings.ToLower(key), "containers")) {
				return true
			}
		}
	}
	return false
}

// keyed are lists beside env whose equal entries the rules merge, with what tells them apart. The model has no opinion on them.
var keyed = map[string]string{
	"containers": "name", "initContainers": "name", "ephemeralContainers": "name", "volumes": "name", "volumeMounts": "mountPath",
	"volumeDevices": "devicePath", "imagePullSecrets": "name", "secrets": "name", "hostAliases": "ip",
}

func refuseRepeated(value object) {
	// The ports of containers, and those of Services.
	for _, key := range []string{"containerPort", "port"} {
		refuseEqual(value["ports"], key)
	}
	for field, key := range keyed {
		refuseEqual(value[field], key)
	}
}

func refuseEqual(list any, key string) {
	seen := map[string]bool{}
	for item := range mappings(list) {
		if at, ok := item[key]; ok && seen[fmt.Sprint(at)] {
			panic(unknown{"a list repeats a key"})
		} else if ok {
			seen[fmt.Sprint(at)] = true
		}
	}
}

// edit walks through everything, since a pod may stand anywhere.
func (m *model) edit(value any) {
	switch value := value.(type) {
	case string:
		// An object that a text holds is edited in the text.
		for name := range m.keys {
			if strings.Contains(value, "\n") && strings.Contains(value, name) {
				panic(unknown{"a text may hold an object that names a removed Secret"})
			}
		}
	case []any:
		for _, item := range value {
			m.edit(item)
		}
	case object:
		refuseRepeated(value)
		for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
			for container := range mappings(value[list]) {
				before, _ := container["env"].([]any)
				if env, ok := container["env"].([]any); ok {
					container["env"] = m.editEnv(env)
				}
				m.addEntries(container, before)
			}
		}
		if reference, ok := value["secretKeyRef"].(object); ok {
			m.redirect(reference, "name")
		}
		for source := range mappings(value["envFrom"]) {
			if reference, ok := source["secretRef"].(object); ok && !m.only {
				m.redirect(reference, "name")
			}
		}
		for volume := range mappings(value["volumes"]) {
			if secret, ok := volume["secret"].(object); ok && m.only {
				m.share(volume, secret)
			} else if ok {
				m.editVolume(secret)
			}
		}
		for _, member := range value {
			m.edit(member)
		}
	}
}

func (m *model) redirect(reference object, field string) {
	if !m.goes(text(reference, field)) || m.only && text(reference, "key") != renamed {
		return
	}
	reference[field] = vault
	if text(reference, "key") == renamed {
		reference["key"] = newName
	}
}

// editVolume keeps the files' names: without items, and with a renamed key, they are written out.
func (m *model) editVolume(secret object) {
	keys := m.keys[text(secret, "secretName")]
	if !m.goes(text(secret, "secretName")) {
		return
	}
	secret["secretName"] = vault
	items, _ := secret["items"].([]any)
	for item := range mappings(items) {
		if text(item, "key") == renamed {
			item["key"] = newName
		}
	}
	if len(items) > 0 || !slices.Contains(keys, renamed) {
		return
	}
	written := []any{}
	for _, key := range keys {
		item := object{"key": key, "path": key}
		if key == renamed {
			item["key"] = newName
		}
		written = append(written, item)
	}
	secret["items"] = written
}

// addEntries gives a container an entry for the moved key of each Secret that it takes by envFrom, before its own, unless it has one
// of that name or a later source gives the variable. What comes later and is not known is refused.
func (m *model) addEntries(container object, own []any) {
	if !m.only {
		return
	}
	last := map[string]int{}
	sources, _ := container["envFrom"].([]any)
	for at, item := range sources {
		source, _ := item.(object)
		prefix := text(source, "prefix")
		if reference, ok := source["secretRef"].(object); ok && m.goes(text(reference, "name")) {
			for _, key := range m.keys[text(reference, "name")] {
				last[prefix+key] = at
			}
		}
		if reference, ok := source["configMapRef"].(object); ok {
			for _, key := range m.maps[text(reference, "name")] {
				last[prefix+key] = at
			}
		}
	}
	taken := map[string]bool{}
	for entry := range mappings(own) {
		taken[text(entry, "name")] = true
	}
	added := []any{}
	for at, item := range sources {
		source, _ := item.(object)
		reference, _ := source["secretRef"].(object)
		variable := text(source, "prefix") + renamed
		if !m.goes(text(reference, "name")) || last[variable] != at || taken[variable] {
			continue
		}
		taken[variable] = true
		read := object{"name": vault, "key": newName}
		if key, decided := ruleKey(variable); decided && !m.literalsOnly && !m.keepExisting {
			read["key"] = key
		}
		if reference["optional"] == true {
			read["optional"] = true
		}
		added = append(added, object{"name": variable, "valueFrom": object{"secretKeyRef": read}})
	}
	if len(added) > 0 {
		env, _ := container["env"].([]any)
		container["env"] = append(added, env...)
	}
}

// share makes a volume that takes the moved key and others a projected one of both.
func (m *model) share(volume, secret object) {
	if !m.goes(text(secret, "secretName")) {
		return
	}
	kept, moved := []any{}, []any{}
	items, _ := secret["items"].([]any)
	for item := range mappings(items) {
		if text(item, "key") == renamed {
			item = runtime.DeepCopyJSON(item)
			item["key"] = newName
			moved = append(moved, item)
		} else {
			kept = append(kept, item)
		}
	}
	switch {
	case len(items) == 0:
		moved = []any{object{"key": newName, "path": renamed}}
	case len(moved) == 0:
		return
	case len(kept) == 0:
		secret["secretName"], secret["items"] = vault, moved
		return
	}
	own := object{"name": secret["secretName"]}
	if len(kept) > 0 {
		own["items"] = kept
	}
	sources := []any{object{"secret": own}, object{"secret": object{"name": vault, "items": moved}}}
	delete(volume, "secret")
	projected := object{"sources": sources}
	if mode, ok := secret["defaultMode"]; ok {
		projected["defaultMode"] = mode
	}
	volume["projected"] = projected
}

// editEnv leaves one entry of each name.
func (m *model) editEnv(list []any) []any {
	positions := map[string][]int{}
	for at, item := range list {
		entry, ok := item.(object)
		if !ok || entry["name"] == nil {
			continue
		}
		name, ok := entry["name"].(string)
		if !ok {
			panic(unknown{"a variable's name is no text"})
		}
		positions[name] = append(positions[name], at)
	}
	result := slices.Clone(list)
	gone := map[int]bool{}
	for name, group := range positions {
		place, entry := m.survivor(list, name, group)
		for _, at := range group {
			gone[at] = at != place
		}
		if place >= 0 {
			result[place] = entry
		}
	}
	kept := []any{}
	for at, item := range result {
		if !gone[at] {
			kept = append(kept, item)
		}
	}
	return kept
}

// survivor says which entry of a name stays, and where; the place is -1 where none does.
func (m *model) survivor(list []any, name string, group []int) (int, any) {
	if name == removed {
		return -1, nil
	}
	winner := m.winner(list, group)
	entry := list[winner]
	if key, decided := ruleKey(name); decided {
		winner = m.winnerByRule(list, group, winner)
		entry = list[winner]
		if content, _ := entry.(object); !m.keeps(content) {
			entry = m.vaulted(content, name, key)
		}
	}
	// What stands between the first and the winner and expands the name reads the first one.
	first := group[0]
	for at := first + 1; at < winner; at++ {
		between, _ := list[at].(object)
		_, reference := between["valueFrom"].(object)
		if text(between, "name") != name && !reference && slices.Contains(expansions(text(between, "value")), name) {
			return first, entry
		}
	}
	return winner, entry
}

func (m *model) winner(list []any, group []int) int {
	switch m.duplicates {
	case "first":
		return group[0]
	case "prefer-secret":
		return lastWhere(list, group, group[len(group)-1], func(entry object) bool {
			return secretReference(entry) != nil
		})
	}
	return group[len(group)-1]
}

// winnerByRule prefers an entry that reads the vaulted Secret already, or what else a rule is to keep.
func (m *model) winnerByRule(list []any, group []int, winner int) int {
	winner = lastWhere(list, group, winner, func(entry object) bool {
		reference := secretReference(entry)
		return reference != nil && text(reference, "name") == vault
	})
	if m.keepExisting {
		winner = lastWhere(list, group, winner, m.isExternal)
	}
	return winner
}

func (m *model) isExternal(entry object) bool {
	reference := secretReference(entry)
	return reference != nil && !m.rendered[text(reference, "name")]
}

// keeps says whether the rule leaves an entry as it is.
func (m *model) keeps(entry object) bool {
	if _, reference := entry["valueFrom"].(object); reference {
		return m.literalsOnly || m.keepExisting && m.isExternal(entry)
	}
	value, ok := entry["value"].(string)
	if !ok && entry["value"] != nil {
		panic(unknown{"a variable's value is no text"})
	}
	return m.literalsOnly && (value == "" || len(expansions(value)) > 0)
}

func (m *model) vaulted(entry object, name, key string) object {
	reference := object{"name": vault, "key": key}
	if before := secretReference(entry); before != nil {
		if optional, ok := before["optional"]; ok && optional != nil {
			reference["optional"] = optional
		}
	}
	return object{"name": name, "valueFrom": object{"secretKeyRef": reference}}
}

func secretReference(entry object) object {
	source, _ := entry["valueFrom"].(object)
	reference, _ := source["secretKeyRef"].(object)
	return reference
}

func lastWhere(list []any, group []int, otherwise int, holds func(object) bool) int {
	for _, at := range slices.Backward(group) {
		if entry, ok := list[at].(object); ok && holds(entry) {
			return at
		}
	}
	return otherwise
}

var expansion = regexp.MustCompile(`\$\$|\$\(([^)]*)\)`)

// expansions are the names that the kubelet replaces in a value.
func expansions(value string) (names []string) {
	for _, match := range expansion.FindAllStringSubmatch(value, -1) {
		if match[0] != "$$" {
			names = append(names, match[1])
		}
	}
	return names
}

func metadata(candidate object) object {
	fields, _ := candidate["metadata"].(object)
	return fields
}

func text(fields object, key string) string {
	value, _ := fields[key].(string)
	return value
}

// mappings are those items of a list that are one.
func mappings(list any) func(yield func(object) bool) {
	return func(yield func(object) bool) {
		items, _ := list.([]any)
		for _, item := range items {
			if fields, ok := item.(object); ok && !yield(fields) {
				return
			}
		}
	}
}

// canonical is a text that two equal sets of objects have in common: the order of a volume's items means nothing.
func canonical(objects []object) string {
	for _, one := range objects {
		sortItems(one)
	}
	return encoded(objects)
}

func sortItems(value any) {
	switch value := value.(type) {
	case object:
		if items, ok := value["items"].([]any); ok {
			slices.SortStableFunc(items, func(a, b any) int { return strings.Compare(encoded(a), encoded(b)) })
		}
		for _, member := range value {
			sortItems(member)
		}
	case []any:
		for _, item := range value {
			sortItems(item)
		}
	}
}

func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
