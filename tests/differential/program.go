package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"time"
)

// What the program did with a stream, as `filter.rs` writes it.
const (
	done    = 0
	refused = 1
	crashed = 2

	againDiffers  = 1  // a second run changes its own output
	againFails    = 2  // a second run refuses it
	streamDiffers = 4  // `--stream` writes something else
	streamAccepts = 8  // `--stream` accepts what the filter refuses for what only later documents tell
	unreadable    = 16 // refused because a document cannot be read
	streamMisses  = 32 // `--stream` accepts what the filter refuses for another reason
)

// program is resecret at the other end of two pipes.
type program struct {
	command *exec.Cmd
	in      *bufio.Writer
	out     *bufio.Reader
}

type answer struct {
	outcome, flags   byte
	output, messages []byte
	took             time.Duration
}

func start(path string, arguments ...string) (*program, error) {
	command := exec.Command(path, arguments...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &program{command, bufio.NewWriter(in), bufio.NewReader(out)}, command.Start()
}

func (p *program) ask(config, stream []byte) (answer, error) {
	started := time.Now()
	for _, part := range [][]byte{config, stream} {
		if err := binary.Write(p.in, binary.LittleEndian, uint32(len(part))); err != nil {
			return answer{}, err
		}
		if _, err := p.in.Write(part); err != nil {
			return answer{}, err
		}
	}
	if err := p.in.Flush(); err != nil {
		return answer{}, err
	}
	var head [2]byte
	if _, err := io.ReadFull(p.out, head[:]); err != nil {
		return answer{}, err
	}
	output, err := p.part()
	if err != nil {
		return answer{}, err
	}
	messages, err := p.part()
	return answer{head[0], head[1], output, messages, time.Since(started)}, err
}

// part reads one text with its length before it.
func (p *program) part() ([]byte, error) {
	var length uint32
	if err := binary.Read(p.out, binary.LittleEndian, &length); err != nil {
		return nil, err
	}
	text := make([]byte, length)
	_, err := io.ReadFull(p.out, text)
	return text, err
}

// suite are the texts of the YAML test suite by their names, which the program's end knows to find.
func suite(path string) (texts map[string][]byte, err error) {
	teller, err := start(path, "suite")
	if err != nil {
		return nil, err
	}
	texts = map[string][]byte{}
	for {
		name, err := teller.part()
		if err == io.EOF {
			return texts, teller.command.Wait()
		} else if err != nil {
			return nil, err
		}
		if texts[string(name)], err = teller.part(); err != nil {
			return nil, err
		}
	}
}
