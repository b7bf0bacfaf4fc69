package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// A script is a text of one command a line; # starts a comment line. "@2 " before a command names the connection that it is
// for (1 is the usual one), which is opened by its first command. A file may hold several: "== name" starts one.
//
//	connect k=v ...       opens it with settings in its start-up message
//	dial                  opens it and sends nothing
//	start 3.0 k=v ...     a start-up message of a version; $db stands for the database
//	request ssl|gss       what may come before it
//	byte                  sends what was gathered, and reads the single byte that answers a request
//	Q sql                 Query
//	P name[:oid,..] sql   Parse; "-" is the unnamed one, here and below
//	B portal statement [pf=0,1] [rf=1] value ...   Bind; a value is a word, "go quoted", x:HEX or null
//	D S|P name, C S|P name, E portal [rows], S, H, X    Describe, Close, Execute, Sync, Flush, Terminate
//	d data, c, f reason   CopyData, CopyDone, CopyFail
//	F oid [pf=0,1] [rf=1] value ...   FunctionCall
//	p text                a password
//	raw HEX               any bytes
//	read T ...            sends what was gathered, and reads up to and with a message of each of these types in turn; eof is the end
//	wait T ...            read that cannot be put off: what is sent before the answer has come would change it
//	halfclose             sends, and closes the direction to the server
//	cancel N [wrong]      a cancel request for connection N, with its key or with a wrong one
//	await sql             waits until a query of another session gives true
//
// {{x*100}} stands for a hundred x. Bytes are sent when something is read.
type command struct {
	line int
	conn int
	verb string
	rest string
}

// script is one of a file, or a generated one.
type script struct {
	name     string
	commands []command
}

// has reports whether a script has a command.
func (s script) has(verb string) bool {
	return slices.ContainsFunc(s.commands, func(c command) bool { return c.verb == verb })
}

// readScripts gives the scripts of the files that a pattern names.
func readScripts(t *testing.T, pattern string) []script {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %s: %v", pattern, err)
	}
	var all []script
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sections(strings.TrimSuffix(filepath.Base(path), ".txt"), string(text))...)
	}
	return all
}

// sections takes a file apart.
func sections(name, text string) []script {
	var all []script
	for i, part := range strings.Split("\n"+text, "\n== ") {
		title := name
		if i > 0 {
			title, part, _ = strings.Cut(part, "\n")
			title = name + "/" + title
		}
		if commands := parseScript(part); len(commands) > 0 {
			all = append(all, script{title, commands})
		}
	}
	return all
}

func readScript(t *testing.T, path string) []command {
	t.Helper()
	return readScripts(t, path)[0].commands
}

var repeated = regexp.MustCompile(`\{\{(.+?)\*(\d+)\}\}`)

func parseScript(text string) []command {
	var script []command
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		c := command{line: i + 1, conn: 1}
		if line[0] == '@' {
			number, rest, _ := strings.Cut(line[1:], " ")
			c.conn, _ = strconv.Atoi(number)
			line = rest
		}
		c.verb, c.rest, _ = strings.Cut(line, " ")
		c.rest = repeated.ReplaceAllStringFunc(c.rest, func(m string) string {
			parts := repeated.FindStringSubmatch(m)
			n, _ := strconv.Atoi(parts[2])
			return strings.Repeat(parts[1], n)
		})
		script = append(script, c)
	}
	return script
}

// message makes the bytes of a command that is a message.
func (c command) message() ([]byte, error) {
	words := split(c.rest)
	word := func(i int) string {
		if i < len(words) && words[i] != "-" {
			return words[i]
		}
		return ""
	}
	var m pgproto3.FrontendMessage
	switch c.verb {
	case "Q":
		m = &pgproto3.Query{String: c.rest}
	case "P":
		name, sql, _ := strings.Cut(c.rest, " ")
		name, oids, _ := strings.Cut(name, ":")
		p := &pgproto3.Parse{Query: sql}
		if name != "-" {
			p.Name = name
		}
		for _, oid := range strings.Split(oids, ",") {
			if n, err := strconv.Atoi(oid); err == nil {
				p.ParameterOIDs = append(p.ParameterOIDs, uint32(n))
			}
		}
		m = p
	case "B":
		b := &pgproto3.Bind{DestinationPortal: word(0), PreparedStatement: word(1)}
		for _, w := range words[min(2, len(words)):] {
			switch {
			case strings.HasPrefix(w, "pf="):
				b.ParameterFormatCodes = formats(w[3:])
			case strings.HasPrefix(w, "rf="):
				b.ResultFormatCodes = formats(w[3:])
			default:
				v, err := value(w)
				if err != nil {
					return nil, err
				}
				b.Parameters = append(b.Parameters, v)
			}
		}
		m = b
	case "D":
		m = &pgproto3.Describe{ObjectType: word(0)[0], Name: word(1)}
	case "C":
		m = &pgproto3.Close{ObjectType: word(0)[0], Name: word(1)}
	case "E":
		n, _ := strconv.Atoi(word(1))
		m = &pgproto3.Execute{Portal: word(0), MaxRows: uint32(n)}
	case "S":
		m = &pgproto3.Sync{}
	case "H":
		m = &pgproto3.Flush{}
	case "X":
		m = &pgproto3.Terminate{}
	case "d":
		v, err := value(c.rest)
		if err != nil {
			return nil, err
		}
		m = &pgproto3.CopyData{Data: v}
	case "c":
		m = &pgproto3.CopyDone{}
	case "f":
		m = &pgproto3.CopyFail{Message: c.rest}
	case "F":
		oid, _ := strconv.Atoi(word(0))
		f := &pgproto3.FunctionCall{Function: uint32(oid)}
		for _, w := range words[1:] {
			switch {
			case strings.HasPrefix(w, "pf="):
				for _, code := range formats(w[3:]) {
					f.ArgFormatCodes = append(f.ArgFormatCodes, uint16(code))
				}
			case strings.HasPrefix(w, "rf="):
				f.ResultFormatCode = uint16(formats(w[3:])[0])
			default:
				v, err := value(w)
				if err != nil {
					return nil, err
				}
				f.Arguments = append(f.Arguments, v)
			}
		}
		m = f
	case "p":
		m = &pgproto3.PasswordMessage{Password: c.rest}
	case "raw":
		return hex.DecodeString(strings.ReplaceAll(c.rest, " ", ""))
	default:
		return nil, fmt.Errorf("line %d: no command %q", c.line, c.verb)
	}
	return m.Encode(nil)
}

func formats(text string) []int16 {
	var codes []int16
	for _, f := range strings.Split(text, ",") {
		n, _ := strconv.Atoi(f)
		codes = append(codes, int16(n))
	}
	return codes
}

func value(w string) ([]byte, error) {
	switch {
	case w == "null":
		return nil, nil
	case strings.HasPrefix(w, "x:"):
		return hex.DecodeString(w[2:])
	case strings.HasPrefix(w, `"`):
		s, err := strconv.Unquote(w)
		return []byte(s), err
	}
	return []byte(w), nil
}

// split gives words; what is in quotes stays together.
func split(s string) (words []string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if q, err := strconv.QuotedPrefix(s); err == nil {
			words, s = append(words, q), s[len(q):]
			continue
		}
		w, rest, _ := strings.Cut(s, " ")
		words, s = append(words, w), rest
	}
	return words
}

// start makes a start-up message.
func start(code uint32, settings ...string) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 4), code)
	for _, s := range settings {
		b = append(append(b, s...), 0)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
