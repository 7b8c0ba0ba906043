package main

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// stream makes a random stream: mostly right, a third of it damaged.
func (m *maker) stream(odd float64, merges bool) []byte {
	var text strings.Builder
	for at := range 1 + m.IntN(4) {
		if at > 0 || m.chance(.5) {
			text.WriteString("---" + pick(m, "", "", "", "", " ", " # c", "\r") + "\n")
		}
		if m.chance(odd / 8) {
			text.WriteString(pick(m, "%YAML 1.1\n---\n", "%TAG !e! tag:yaml.org,2002:bin\n---\n", "\ufeff"))
		}
		if m.chance(.3) {
			text.WriteString("# Source: c/templates/x.yaml\n")
		}
		value := m.object()
		if m.chance(.1) {
			value = m.listOf(value)
		}
		document := m.document(value, odd, merges)
		if m.chance(odd / 40) {
			document = wide(document)
		}
		text.WriteString(document)
		if m.chance(.02) {
			text.WriteString("...\n")
		}
	}
	stream := []byte(text.String())
	if m.chance(.3) {
		for range 1 + m.IntN(3) {
			stream = m.damage(stream)
		}
	}
	return stream
}

// wide is a document in UTF-16, with its byte order mark: Go reads each document by its own.
func wide(document string) string {
	units := utf16.Encode([]rune("\ufeff" + document))
	text := make([]byte, 0, 2*len(units))
	for _, unit := range units {
		text = binary.BigEndian.AppendUint16(text, unit)
	}
	return string(text)
}

// damage takes out, repeats or puts in a few bytes.
func (m *maker) damage(stream []byte) []byte {
	if len(stream) < 3 {
		return stream
	}
	at := m.IntN(len(stream))
	end := min(at+m.IntN(50), len(stream))
	before, middle, after := string(stream[:at]), string(stream[at:end]), string(stream[end:])
	switch m.IntN(5) {
	case 0:
		return []byte(before + string(stream[at+1:]))
	case 1:
		return []byte(before + after)
	case 2:
		return []byte(before + middle + middle + after)
	case 3:
		return []byte(before + string(rune(m.IntN(128))) + string(stream[at+1:]))
	}
	piece := pick(m, " ", "\n", "\t", "#", "'", "\"", ":", "-", "&a ", "*a ", "!t ", "\u0085", "\u2028", "\u2029",
		"\ufeff", "\r", ",", "{", "}", "\\", "...\n", "---\n", "%", "\x00", "\xff", "? ", "<<: ")
	return []byte(before + piece + string(stream[at:]))
}
