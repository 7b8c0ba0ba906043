// Compares resecret with Kubernetes' own reader.
//
// What Go reads of the program's output must be what a model of the rules makes of what Go reads of its input, or the
// program refuses the stream. Streams are random, each from a seed of its own; texts of the YAML test suite and files
// join them. The exit code is 0 when no case differs.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	path    = flag.String("program", "", "the example `differential` of the crate")
	length  = flag.Duration("time", time.Minute, "how long random streams are tried")
	cases   = flag.Uint64("cases", 0, "stop after this many of them")
	seed    = flag.Uint64("seed", 1, "of the random streams; 0 takes one from the clock")
	only    = flag.Uint64("case", 0, "one case of this seed alone, shown")
	odd     = flag.Float64("odd", .02, "how often what is rare in charts comes up")
	folder  = flag.String("keep", "found", "where cases that differ are kept")
	verbose = flag.Bool("show", false, "show each case")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	filter, err := start(*path)
	if err != nil {
		return err
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	c := &comparison{filter: filter, counts: map[string]int{}}
	if *only > 0 {
		*verbose = true
		c.random(*only)
		return c.report()
	}
	for _, file := range flag.Args() {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		c.file(strings.ReplaceAll(strings.Trim(file, "./"), "/", "-"), text)
	}
	if flag.NArg() > 0 {
		texts, err := suite(*path)
		if err != nil {
			return err
		}
		for name, text := range texts {
			c.suiteText(strings.ReplaceAll(name, "/", "-"), text)
		}
	}
	end := time.Now().Add(*length)
	for number := uint64(1); time.Now().Before(end) && (*cases == 0 || number <= *cases); number++ {
		c.random(number)
	}
	return c.report()
}

// comparison counts what came of the cases.
type comparison struct {
	filter *program
	total  int
	bad    int
	counts map[string]int
}

func (c *comparison) report() error {
	fmt.Printf("%d cases with seed %d: %d equal, %d of them edited; %d refused; %d that Go does not read; %d unknown to the model\n",
		c.total, *seed, c.counts["equal"], c.counts["edited"], c.counts["refused"], c.counts["no object to Go"], c.counts["unknown"])
	for kind, count := range c.counts {
		if strings.Contains(kind, ":") {
			fmt.Printf("  %d %s\n", count, kind)
		}
	}
	if c.bad > 0 {
		return fmt.Errorf("%d cases are wrong, the first of each kind are in %s", c.bad, *folder)
	}
	return nil
}

// random tries one stream, with rules that are random too.
func (c *comparison) random(number uint64) {
	m := &maker{rand.New(rand.NewPCG(*seed, number))}
	set := rules{
		suffix:       "-chart",
		duplicates:   pick(m, "last", "last", "first", "prefer-secret", "error"),
		keepExisting: m.chance(.25),
		literalsOnly: m.chance(.25),
		only:         m.chance(.3),
		maps:         m.chance(.4),
		redirect:     m.chance(.3),
		add:          m.chance(.3),
	}
	stream := m.stream(*odd, m.chance(.5))
	c.compare(fmt.Sprintf("%d-%d", *seed, number), set, stream)
}

// file tries a text with each way to treat duplicates.
func (c *comparison) file(name string, text []byte) {
	for _, suffix := range []string{"-chart", "-nextauth", "-app"} {
		for number, duplicates := range []string{"last", "first", "prefer-secret", "error"} {
			for _, only := range []bool{false, true} {
				c.compare(name, rules{suffix, duplicates, number&1 != 0, number&2 != 0, only, only, only, only}, text)
			}
		}
	}
}

// suiteText tries a text alone, and around and beside something that is edited.
func (c *comparison) suiteText(name string, text []byte) {
	const pod = "kind: Pod\nmetadata: {name: x-chart}\nspec: {containers: [{env: [{name: SALT, value: canary}]}]}\n"
	const secret = "---\nkind: Secret\nmetadata: {name: x-chart}\n"
	indented := func(margin string) string {
		return strings.TrimSuffix(margin+strings.ReplaceAll(string(text), "\n", "\n"+margin), margin)
	}
	for _, stream := range []string{
		string(text),
		pod + "x:\n" + indented("  "),
		"x:\n" + indented("  ") + "\n" + pod,
		"x:\n-\n" + indented(" ") + "\n- last\n" + pod,
		string(text) + "\n" + pod,
		pod + secret + "stringData:\n" + indented("  "),
	} {
		c.compare(name, rules{suffix: "-chart", duplicates: "last"}, []byte(stream))
	}
}

// slow is more than any case of this size takes.
const slow = 2 * time.Second

// compare runs one case.
func (c *comparison) compare(name string, set rules, stream []byte) {
	c.total++
	found, err := c.filter.ask(set.config(), stream)
	if err == nil && found.took > slow {
		// Other work may have held it up.
		found, err = c.filter.ask(set.config(), stream)
	}
	if err != nil {
		c.wrong(name, "died", set, stream, answer{}, err.Error())
		filter, err := start(*path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		c.filter = filter
		return
	}
	if *verbose {
		fmt.Printf("%s\n%s\n--- %d %d\n%s\n%s\n", set.config(), stream, found.outcome, found.flags, found.output, found.messages)
	}
	wrong := func(kind, detail string) { c.wrong(name, kind, set, stream, found, detail) }
	kinds := map[byte]string{
		againDiffers: "again-differs", againFails: "again-fails", streamDiffers: "stream-differs", streamMisses: "stream-misses",
	}
	for flag, kind := range kinds {
		if found.flags&flag != 0 {
			wrong(kind, "")
		}
	}
	if found.flags&streamAccepts != 0 {
		c.counts["stream: accepted what later documents let the filter refuse"]++
	}
	if found.took > slow {
		wrong("slow", found.took.String())
	}
	if found.outcome == crashed {
		wrong("crashed", "")
		return
	}
	before, err := readStream(stream)
	if err != nil {
		c.counts["no object to Go"]++
		return
	}
	if found.outcome == refused {
		c.counts["refused"]++
		// A stream that begins with a brace is one of JSON to Go, which has characters that YAML has not.
		if found.flags&unreadable != 0 && !bytes.HasPrefix(bytes.TrimSpace(stream), []byte("{")) {
			wrong("unreadable", encoded(before))
		}
		return
	}
	after, err := readStream(found.output)
	if err != nil {
		// A damaged object in JSON is one of YAML, until the edit takes out the damage; a stream of JSON has no `...` to Go.
		if bytes.HasPrefix(bytes.TrimSpace(found.output), []byte("{")) && bytes.Contains(found.output, []byte("\n...")) {
			c.counts["no stream of JSON to Go"]++
			return
		}
		wrong("output-unreadable", err.Error())
		return
	}
	expected, err := set.expect(before)
	if err != nil {
		c.counts["unknown"]++
		return
	}
	read, actual, wanted := encoded(before), canonical(after), canonical(expected)
	if actual != wanted {
		wrong("different", "read     "+read+"\nexpected "+wanted+"\nactual   "+actual)
		return
	}
	c.counts["equal"]++
	if read != actual {
		c.counts["edited"]++
	}
}

// wrong counts a case that must not be, and keeps the first of its kind.
func (c *comparison) wrong(name, kind string, set rules, stream []byte, found answer, detail string) {
	const kept = 40
	c.bad++
	c.counts["wrong: "+kind]++
	if c.counts["wrong: "+kind] > kept {
		return
	}
	said := fmt.Appendf(nil, "%s\n--- output\n%s\n--- messages\n%s\n", detail, found.output, found.messages)
	for file, text := range map[string][]byte{"input.yaml": stream, "config.yaml": set.config(), "found.txt": said} {
		target := filepath.Join(*folder, kind+"-"+name, file)
		err := os.MkdirAll(filepath.Dir(target), 0o755)
		if err == nil {
			err = os.WriteFile(target, text, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}
