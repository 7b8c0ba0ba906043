package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	maps         bool // whether a key of ConfigMaps goes
	redirect     bool // whether Secrets that the stream only names have readers that go
	add          bool // whether a variable is added
}

const (
	vault   = "vault"
	renamed = "a" // the key that the vaulted Secret holds under another name
	newName = "b"
	mapped  = "x" // the key of ConfigMaps that goes to the vault
	mapName = "y" // its name there
	mapOf   = "conf"
	removed = "DEBUG"
	added   = "ADDED" // the variable that some containers get
	addKey  = "added" // its key in the vault
	addIn   = "c"     // the name of those containers
)

// namedOnly are the Secrets of `redirect`, with the keys that their rules rename.
var namedOnly = map[string][]string{"gone": {renamed}, "away": {}}

func (r rules) config() []byte {
	only := ""
	if r.only {
		only = fmt.Sprintf(", only: [%s]", renamed)
	}
	maps := ""
	if r.maps {
		maps = fmt.Sprintf("\n  configMaps:\n  - {name: [%q, %s], only: [%s], to: %s, keys: {%s: %s}}", "*"+r.suffix, mapOf, mapped, vault, mapped, mapName)
	}
	redirect := ""
	if r.redirect {
		redirect = fmt.Sprintf("\n  redirect:\n  - {name: gone, to: %s, keys: {%s: %s}, optional: true}\n  - {name: away, to: %s, optional: true}", vault, renamed, newName, vault)
	}
	add := ""
	if r.add {
		add = fmt.Sprintf("\n  - {to: %s, vars: {%s: %s}, in: {container: %s}, add: true, keepExisting: %v, literalsOnly: %v}",
			vault, added, addKey, addIn, r.keepExisting, r.literalsOnly)
	}
	return fmt.Appendf(nil, `apiVersion: resecret.dev/v1alpha1
kind: Resecret
spec:
  secrets:
  - {name: "*%s", to: %s, keys: {%s: %s}%s}%s%s
  env:
  - {to: %s, vars: {SALT: salt, "K*": "*"}, remove: [%s], keepExisting: %v, literalsOnly: %v}%s
  duplicates: %s
  policy: {unmatched: allow, plaintext: allow, leftBehind: warn, external: allow}
`, r.suffix, vault, renamed, newName, only, maps, redirect, vault, removed, r.keepExisting, r.literalsOnly, add, r.duplicates)
}

// inVault is what a key of a Secret that goes is called in the vault.
func inVault(name, key string) string {
	renames, isNamedOnly := namedOnly[name]
	if key != renamed || isNamedOnly && !slices.Contains(renames, key) {
		return key
	}
	return newName
}

// ruleKey is the vaulted key of a variable that a rule decides in a container.
func (r rules) ruleKey(container, variable string) (string, bool) {
	switch {
	case variable == "SALT":
		return "salt", true
	case r.add && variable == added && container == addIn:
		return addKey, true
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
	known    map[string][]string // of each Secret
	maps     map[string][]string // of each ConfigMap
	split    map[string]bool     // the names of ConfigMaps of which a key goes
}

// expect says what the objects of a stream become. The error says why it cannot be known.
func (r rules) expect(objects []object) (result []object, err error) {
	defer func() {
		if reason, ok := recover().(unknown); ok {
			err = errors.New(reason.reason)
		}
	}()
	m := model{r, map[string]bool{}, map[string][]string{}, map[string][]string{}, map[string][]string{}, map[string]bool{}}
	for _, candidate := range objects {
		if version := candidate["apiVersion"]; version != nil {
			if _, ok := version.(string); !ok {
				return nil, errors.New("an apiVersion is no text")
			}
		}
		m.learn(candidate)
	}
	if m.rules.redirect {
		maps.Copy(m.keys, namedOnly)
	}
	for _, candidate := range objects {
		if isSecret(candidate) && m.goes(text(metadata(candidate), "name")) && !m.only {
			continue
		}
		if custom(candidate) && hasVariables(candidate, false) {
			return nil, errors.New("a custom resource has a list of variables outside its containers")
		}
		edited := runtime.DeepCopyJSON(candidate)
		switch name := text(metadata(edited), "name"); {
		case isSecret(edited) && m.only && m.goes(name):
			removeKey(edited, renamed, "data", "stringData")
		case isConfigMap(edited) && m.split[name]:
			removeKey(edited, mapped, "data")
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

// splits says whether the Secret of a name stays, without the moved key.
func (m *model) splits(name string) bool {
	return m.only && m.goes(name) && namedOnly[name] == nil
}

func (m *model) learn(candidate object) {
	name := text(metadata(candidate), "name")
	if isConfigMap(candidate) {
		keys := keysOf(candidate, "data")
		m.maps[name] = append(m.maps[name], keys...)
		named := strings.HasSuffix(name, m.suffix) || name == mapOf
		m.split[name] = m.split[name] || m.rules.maps && named && slices.Contains(keys, mapped)
	}
	if !isSecret(candidate) {
		return
	}
	m.rendered[name] = true
	keys := keysOf(candidate, "data", "stringData")
	m.known[name] = append(m.known[name], keys...)
	if !strings.HasSuffix(name, m.suffix) || m.goes(name) {
		return
	}
	if !m.only || slices.Contains(keys, renamed) {
		m.keys[name] = keys
	}
}

func keysOf(holder object, fields ...string) []string {
	keys := []string{}
	for _, field := range fields {
		data, _ := holder[field].(object)
		for key := range data {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// removeKey takes the moved key out of a Secret or ConfigMap, and with the last key what holds it.
func removeKey(holder object, key string, fields ...string) {
	for _, field := range fields {
		data, _ := holder[field].(object)
		if _, ok := data[key]; !ok {
			continue
		}
		delete(data, key)
		if len(data) == 0 {
			delete(holder, field)
		}
	}
}

// moved says which key leaves the Secret or ConfigMap of a name, and what it is called in the vault; the object stays.
func (m *model) moved(isMap bool, name string) (key, inVault string, ok bool) {
	if isMap {
		return mapped, mapName, m.split[name]
	}
	return renamed, newName, m.splits(name)
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
		names := slices.Collect(maps.Keys(m.keys))
		for name, goes := range m.split {
			if goes {
				names = append(names, name)
			}
		}
		for _, name := range names {
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
					container["env"] = m.editEnv(text(container, "name"), env)
				}
				for entry := range mappings(container["env"]) {
					m.readVault(entry)
				}
				m.addVariable(container, before)
				m.addEntries(container, before)
			}
		}
		if reference, ok := value["secretKeyRef"].(object); ok {
			m.redirect(reference, "name")
		}
		for source := range mappings(value["envFrom"]) {
			if reference, ok := source["secretRef"].(object); ok && !m.splits(text(reference, "name")) {
				m.redirect(reference, "name")
			}
		}
		for volume := range mappings(value["volumes"]) {
			// What is projected by a rule is done.
			if projected, ok := volume["projected"].(object); ok {
				m.shareSources(projected)
			}
			if secret, ok := volume["secret"].(object); ok && m.splits(text(secret, "secretName")) {
				m.share(volume, false)
			} else if ok {
				m.editVolume(secret, "secretName")
			}
			if _, ok := volume["configMap"].(object); ok {
				m.share(volume, true)
			}
		}
		for _, member := range value {
			m.edit(member)
		}
	}
}

func (m *model) redirect(reference object, field string) {
	name := text(reference, field)
	if !m.goes(name) || m.splits(name) && text(reference, "key") != renamed {
		return
	}
	reference[field] = vault
	if key, ok := reference["key"].(string); ok {
		reference["key"] = inVault(name, key)
	}
}

// readVault lets a variable that reads the moved key of a ConfigMap read the vault.
func (m *model) readVault(entry object) {
	source, _ := entry["valueFrom"].(object)
	reference, _ := source["configMapKeyRef"].(object)
	if reference == nil || !m.split[text(reference, "name")] || text(reference, "key") != mapped {
		return
	}
	read := object{"name": vault, "key": mapName}
	if optional, ok := reference["optional"].(bool); ok {
		read["optional"] = optional
	}
	for key := range entry {
		if key != "name" {
			delete(entry, key)
		}
	}
	entry["valueFrom"] = object{"secretKeyRef": read}
}

// editVolume keeps the files' names: without items, and with a renamed key, they are written out.
func (m *model) editVolume(secret object, field string) {
	name := text(secret, field)
	keys := m.keys[name]
	if !m.goes(name) {
		return
	}
	secret[field] = vault
	items, _ := secret["items"].([]any)
	for item := range mappings(items) {
		if key, ok := item["key"].(string); ok {
			item["key"] = inVault(name, key)
		}
	}
	if len(items) > 0 || !slices.Contains(keys, renamed) {
		return
	}
	written := []any{}
	for _, key := range keys {
		written = append(written, object{"key": inVault(name, key), "path": key})
	}
	secret["items"] = written
}

// addVariable gives a container the added variable, behind its entries, unless one of its own had the name.
func (m *model) addVariable(container object, own []any) {
	if !m.add || text(container, "name") != addIn {
		return
	}
	for entry := range mappings(own) {
		if text(entry, "name") == added {
			return
		}
	}
	env, _ := container["env"].([]any)
	reference := object{"name": vault, "key": addKey}
	container["env"] = append(env, object{"name": added, "valueFrom": object{"secretKeyRef": reference}})
}

// addEntries gives a container an entry for the moved key of each Secret and ConfigMap that it takes by envFrom, before its own, unless
// it has one of that name or a later source gives the variable. What comes later and is not known is refused.
func (m *model) addEntries(container object, own []any) {
	last := map[string]int{}
	sources, _ := container["envFrom"].([]any)
	for at, item := range sources {
		source, _ := item.(object)
		for _, known := range []struct {
			field string
			keys  map[string][]string
		}{{"secretRef", m.known}, {"configMapRef", m.maps}} {
			reference, _ := source[known.field].(object)
			for _, key := range known.keys[text(reference, "name")] {
				last[prefix(source)+key] = at
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
		for _, field := range []string{"secretRef", "configMapRef"} {
			reference, _ := source[field].(object)
			own, inVault, moved := m.moved(field == "configMapRef", text(reference, "name"))
			variable := prefix(source) + own
			if !moved || last[variable] != at || taken[variable] {
				continue
			}
			taken[variable] = true
			read := object{"name": vault, "key": inVault}
			if key, decided := m.ruleKey(text(container, "name"), variable); decided && !m.literalsOnly {
				read["key"] = key
			}
			if reference["optional"] == true {
				read["optional"] = true
			}
			added = append(added, object{"name": variable, "valueFrom": object{"secretKeyRef": read}})
		}
	}
	if len(added) > 0 {
		env, _ := container["env"].([]any)
		container["env"] = append(added, env...)
	}
}

// prefix is what comes before each key of a source.
func prefix(source object) string {
	if source["prefix"] != nil {
		if _, ok := source["prefix"].(string); !ok {
			panic(unknown{"a prefix is no text"})
		}
	}
	return text(source, "prefix")
}

// parts are the items of a volume that stay, and those that go. Without items all keys are taken.
func parts(taken object, own, inVault string) (kept, moved []any, whole bool) {
	kept, moved = []any{}, []any{}
	items, _ := taken["items"].([]any)
	for item := range mappings(items) {
		if text(item, "key") == own {
			item = runtime.DeepCopyJSON(item)
			item["key"] = inVault
			moved = append(moved, item)
		} else {
			kept = append(kept, item)
		}
	}
	if len(items) == 0 {
		return nil, []any{object{"key": inVault, "path": own}}, true
	}
	return kept, moved, false
}

// share makes a volume that takes the moved key and others a projected one of both.
func (m *model) share(volume object, isMap bool) {
	field, nameField := "secret", "secretName"
	if isMap {
		field, nameField = "configMap", "name"
	}
	taken, _ := volume[field].(object)
	own, inVault, ok := m.moved(isMap, text(taken, nameField))
	if !ok {
		return
	}
	kept, moved, whole := parts(taken, own, inVault)
	switch {
	case len(moved) == 0:
		return
	case !whole && len(kept) == 0 && !isMap:
		taken[nameField], taken["items"] = vault, moved
		return
	}
	source := object{"name": vault, "items": moved}
	sources := []any{object{"secret": source}}
	if whole || len(kept) > 0 {
		first := object{"name": taken[nameField]}
		if len(kept) > 0 {
			first["items"] = kept
		}
		if optional, ok := taken["optional"].(bool); ok {
			first["optional"] = optional
		}
		sources = []any{object{field: first}, object{"secret": source}}
	}
	if optional, ok := taken["optional"].(bool); ok {
		source["optional"] = optional
	}
	delete(volume, field)
	projected := object{"sources": sources}
	if mode, ok := taken["defaultMode"]; ok {
		projected["defaultMode"] = mode
	}
	volume["projected"] = projected
}

// shareSources gives a projected volume a source of the vault beside each that takes the moved key and others.
func (m *model) shareSources(projected object) {
	sources, ok := projected["sources"].([]any)
	if !ok {
		return
	}
	result := []any{}
	for _, item := range sources {
		source, _ := item.(object)
		field := "secret"
		if _, isMap := source["configMap"].(object); isMap {
			field = "configMap"
		}
		taken, _ := source[field].(object)
		own, inVault, ok := m.moved(field == "configMap", text(taken, "name"))
		if !ok && field == "secret" && taken != nil {
			m.editVolume(taken, "name")
		}
		if !ok {
			result = append(result, item)
			continue
		}
		kept, moved, whole := parts(taken, own, inVault)
		read := object{"name": vault, "items": moved}
		if optional, ok := taken["optional"].(bool); ok {
			read["optional"] = optional
		}
		switch {
		case len(moved) == 0:
			result = append(result, item)
		case whole:
			result = append(result, item, object{"secret": read})
		case len(kept) == 0:
			delete(source, field)
			source["secret"] = read
			result = append(result, source)
		default:
			taken["items"] = kept
			result = append(result, object{"secret": read}, item)
		}
	}
	projected["sources"] = result
}

// editEnv leaves one entry of each name.
func (m *model) editEnv(container string, list []any) []any {
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
		place, entry := m.survivor(container, list, name, group)
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
func (m *model) survivor(container string, list []any, name string, group []int) (int, any) {
	if name == removed {
		return -1, nil
	}
	winner := m.winner(list, group)
	entry := list[winner]
	if key, decided := m.ruleKey(container, name); decided {
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
	return reference != nil && !m.rendered[text(reference, "name")] && (!m.rules.redirect || namedOnly[text(reference, "name")] == nil)
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
