package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// speller writes one document in a style of its own. What is rare in real charts it does as often as `odd` says.
type speller struct {
	*maker
	strings.Builder
	eol      string
	json     bool
	odd      float64
	merges   bool
	count    int
	anchors  []string // of any node
	mappings []string // of mappings
}

// document spells a value as a document of a stream.
func (m *maker) document(value node, odd float64, merges bool) string {
	s := &speller{maker: m, eol: "\n", merges: merges}
	if m.chance(.08) {
		s.eol = "\r\n"
	}
	if m.chance(.01) {
		s.eol = pick(m, "\r", "\u0085", "\u2028", "\u2029")
	}
	if m.chance(.4) {
		s.odd = odd
	}
	switch {
	case m.chance(.1):
		s.json = true
		s.WriteString(s.flow(value) + s.eol)
	case m.chance(.05):
		s.WriteString(s.flow(value) + s.eol)
	default:
		s.block(value, pick(m, 0, 0, 0, 2), false)
	}
	return s.String()
}

func spaces(count int) string { return strings.Repeat(" ", count) }

// comment is one that ends a line, or nothing.
func (s *speller) comment() string {
	if !s.chance(.06) {
		return ""
	}
	return " # " + s.word() + pick(s.maker, "", "", "", "\u2028", "\u0085", " é")
}

// lineEnd ends a line, now and then behind what only libyaml's lineage takes for a line break.
func (s *speller) lineEnd() string {
	if s.chance(s.odd / 4) {
		return pick(s.maker, "\u2028", "\u2029", "\u0085", "\r") + s.eol
	}
	return s.eol
}

// properties are a node's tag and anchor, where it is to have some.
func (s *speller) properties(isMapping bool) string {
	text := ""
	if s.chance(s.odd) {
		text += pick(s.maker, "!!str ", "!t ", "! ", "!<tag:yaml.org,2002:str> ", "!!binary ", "!!int ", "!!bin%61ry ",
			"!!null ", "!!map ", "!!seq ", "!%21str ", "!e!ary ")
	}
	if s.chance(s.odd) || isMapping && s.merges && s.chance(s.odd*3) {
		s.count++
		anchor := fmt.Sprintf("a%d", s.count)
		s.anchors = append(s.anchors, anchor)
		if isMapping {
			s.mappings = append(s.mappings, anchor)
		}
		text += "&" + anchor + " "
	}
	return text
}

func (s *speller) scalar(value node, flow bool, indent int) string {
	if literal, ok := value.(plain); ok {
		if s.json {
			return "null"
		}
		return s.properties(false) + string(literal)
	}
	text, _ := value.(string)
	if s.json {
		return asJSON(text)
	}
	if len(s.anchors) > 0 && s.chance(s.odd) {
		return "*" + pick(s.maker, s.anchors...) + " "
	}
	properties := s.properties(false)
	for {
		switch s.IntN(7) {
		case 0, 1, 2:
			if staysPlain(text) || s.chance(.02) && !strings.Contains(text, "\n") {
				return properties + s.folded(text, indent)
			}
		case 3:
			if !strings.Contains(text, "\n") {
				return properties + "'" + s.folded(strings.ReplaceAll(text, "'", "''"), indent) + "'"
			}
		case 4:
			return properties + s.doubleQuoted(text, indent)
		case 5:
			if block, ok := s.blockScalar(text, indent); ok && !flow {
				return properties + block
			}
		}
	}
}

// folded breaks a line at a blank, as much indented as the style allows, or less.
func (s *speller) folded(text string, indent int) string {
	at := strings.IndexByte(text, ' ')
	if at <= 0 || !s.chance(.2) {
		return text
	}
	return text[:at] + s.eol + spaces(pick(s.maker, indent+2, indent+4, indent, 0)) + text[at+1:]
}

func asJSON(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(encoded)
}

// staysPlain says whether a text means itself without quotes.
func staysPlain(text string) bool {
	return text != "" && strings.TrimSpace(text) == text &&
		!strings.ContainsAny(text[:1], "*&!%@`|>#?-:,[]{}\"'=<~") &&
		!strings.ContainsAny(text, "\n:#{}[],\"'\\\t\u2028\u2029\u0085")
}

func (s *speller) doubleQuoted(text string, indent int) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for _, letter := range text {
		switch {
		case letter == '"' || letter == '\\':
			quoted.WriteString("\\" + string(letter))
		case letter == '\n':
			quoted.WriteString("\\n")
		case letter == '\t':
			quoted.WriteString("\\t")
		case letter < 128 && s.chance(.01):
			fmt.Fprintf(&quoted, pick(s.maker, "\\x%02x", "\\u%04x", "\\U%08x"), letter)
		default:
			quoted.WriteRune(letter)
		}
		if s.chance(s.odd / 10) {
			// A break that is escaped joins what stands around it.
			quoted.WriteString("\\" + pick(s.maker, s.eol, s.eol, "\u0085", "\u2028", "\u2029", "\r"))
			quoted.WriteString(spaces(pick(s.maker, indent+2, indent, 0)))
		}
	}
	return quoted.String() + `"`
}

func (s *speller) blockScalar(text string, indent int) (string, bool) {
	if strings.Trim(text, " \n") == "" || strings.HasPrefix(text, " ") || s.chance(.5) {
		return "", false
	}
	header := pick(s.maker, "|", ">")
	if !strings.HasSuffix(text, "\n") {
		header += "-"
	}
	if s.chance(.1) {
		header += " # " + s.word()
	}
	margin := spaces(indent + 2)
	lines := strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", pick(s.maker, s.eol, s.eol+s.eol)+margin)
	return header + s.eol + margin + lines, true
}

func (s *speller) key(key string) string {
	switch choice := s.IntN(30); {
	case s.json || choice == 0:
		return `"` + key + `"`
	case choice == 1:
		return "'" + key + "'"
	case choice == 2 && s.chance(s.odd*3):
		return s.doubleQuoted(key, 0)
	case choice == 3 && s.chance(s.odd):
		return "!!str " + key
	}
	return key
}

// mergeKey is one in all its spellings, and what looks like one.
func (s *speller) mergeKey() string {
	return pick(s.maker, "<<", "<<", "<<", "<<", "!!merge <<", "!!merge \"<<\"", "!!str <<", "\"<<\"", "! '<<'", "!!merge x")
}

// merged is a mapping that a merge key brings, by an alias or written there.
func (s *speller) merged() string {
	inline := func() string {
		if len(s.mappings) > 0 && s.chance(.6) {
			return "*" + pick(s.maker, s.mappings...)
		}
		field := entry{
			pick(s.maker, "name", "value", "kind", "apiVersion", "key", "secretName", "items", "env", "x"),
			pick[node](s.maker, "SALT", "HOST", "Secret", "ConfigMap", "x-chart", "v1", plain("null"), s.word()),
		}
		return s.flow(mapping{field})
	}
	if s.chance(.3) {
		return "[" + inline() + ", " + inline() + "]"
	}
	return inline()
}

func (s *speller) flow(value node) string {
	switch value := value.(type) {
	case mapping:
		var members []string
		for _, field := range value {
			members = append(members, s.gap()+s.key(field.key)+s.colon()+s.flow(field.value)+s.gap())
		}
		if s.merges && !s.json && s.chance(s.odd) {
			at := s.IntN(len(members) + 1)
			members = append(members[:at:at], append([]string{s.mergeKey() + ": " + s.merged()}, members[at:]...)...)
		}
		return "{" + strings.Join(members, ",") + s.lastComma(len(members)) + "}"
	case list:
		var items []string
		for _, item := range value {
			items = append(items, s.gap()+s.flow(item)+s.gap())
		}
		return "[" + strings.Join(items, ",") + s.lastComma(len(items)) + "]"
	}
	return s.scalar(value, true, 0)
}

// gap is what may stand between the tokens of a flow collection.
func (s *speller) gap() string {
	if !s.json && s.chance(.03) {
		return " # " + s.word() + s.eol + spaces(pick(s.maker, 10, 10, 10, 0))
	}
	return pick(s.maker, "", " ")
}

func (s *speller) colon() string {
	if s.json {
		return pick(s.maker, ":", ": ")
	}
	return ": "
}

func (s *speller) lastComma(members int) string {
	if !s.json && members > 0 && s.chance(.05) {
		return ","
	}
	return ""
}

// block writes a collection by indentation; the first entry of an item's mapping stands behind the dash.
func (s *speller) block(value node, indent int, inItem bool) {
	switch value := value.(type) {
	case mapping:
		for at, field := range value {
			if !inItem || at > 0 {
				s.between(indent)
				s.WriteString(spaces(indent))
			}
			s.blockEntry(field, indent)
		}
		if s.chance(s.odd/3) && len(s.anchors) > 0 {
			s.WriteString(spaces(indent) + "zy: *" + pick(s.maker, s.anchors...) + s.eol)
		}
	case list:
		for _, item := range value {
			if s.chance(.03) {
				s.WriteString(spaces(indent) + "# " + s.word() + s.eol)
			}
			s.WriteString(spaces(indent) + "-")
			s.blockItem(item, indent)
		}
	}
}

// between is what may stand above an entry.
func (s *speller) between(indent int) {
	if s.chance(.03) {
		s.WriteString(pick(s.maker, spaces(indent), "", spaces(indent+2)) + "# " + s.word() + s.lineEnd())
	}
	if s.chance(.02) {
		s.WriteString(s.eol)
	}
	if s.merges && s.chance(s.odd) {
		s.WriteString(spaces(indent) + s.mergeKey() + ": " + s.merged() + s.eol)
	}
}

func (s *speller) blockEntry(field entry, indent int) {
	if s.chance(s.odd / 2) {
		s.WriteString("? " + s.key(field.key) + s.eol + spaces(indent) + ":")
	} else {
		s.WriteString(s.key(field.key) + pick(s.maker, ":", ":", ":", " :"))
	}
	s.blockValue(field.value, indent, true)
	if s.chance(s.odd / 3) {
		again := pick(s.maker, s.key(field.key)+": dup", "zz: 1", s.mergeKey()+": {"+field.key+": merged}")
		s.WriteString(spaces(indent) + again + s.eol)
	}
}

func (s *speller) blockItem(item node, indent int) {
	fields, ok := item.(mapping)
	switch {
	case !ok:
		s.blockValue(item, indent, false)
	case len(fields) == 0 || s.chance(.2):
		s.WriteString(" " + s.properties(true) + s.flow(item) + s.comment() + s.lineEnd())
	case s.chance(s.odd):
		s.WriteString(" " + s.properties(true) + s.eol + spaces(indent+2))
		s.block(fields, indent+2, true)
	default:
		margin := pick(s.maker, " ", " ", " ", "  ", "   ")
		s.WriteString(margin)
		s.block(fields, indent+1+len(margin), true)
	}
}

func (s *speller) blockValue(value node, indent int, ofKey bool) {
	inner := indent + pick(s.maker, 2, 2, 2, 4, 1)
	isMapping, isEmpty := false, false
	switch value := value.(type) {
	case mapping:
		isMapping, isEmpty = true, len(value) == 0
	case list:
		isEmpty = len(value) == 0
		inner = indent + pick(s.maker, 0, 2, 2, 4)
		if !ofKey {
			inner = indent + 2
		}
	default:
		text := s.scalar(value, false, indent)
		s.WriteString(" " + text)
		if !strings.Contains(text, s.eol) {
			s.WriteString(s.comment())
		}
		s.WriteString(s.lineEnd())
		return
	}
	if isEmpty || s.chance(.15) {
		s.WriteString(" " + s.properties(isMapping) + s.flow(value) + s.comment() + s.lineEnd())
		return
	}
	if properties := strings.TrimSpace(s.properties(isMapping)); properties != "" {
		s.WriteString(" " + properties)
	}
	s.WriteString(s.comment() + s.lineEnd())
	s.block(value, inner, false)
}
