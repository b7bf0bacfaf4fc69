package conf

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxFile is far above what a settings file can need; more is a wrong path.
const maxFile = 1 << 20

func parseFile(path source) (map[string]source, error) {
	f, err := os.Open(path.text)
	if err != nil {
		return nil, fmt.Errorf("%s: %q cannot be read", path.name, path.text)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil || len(text) > maxFile {
		return nil, fmt.Errorf("%s: %q cannot be read", path.name, path.text)
	}
	return parseLines(filepath.Base(path.text), string(text))
}

// parseLines reads lines of `key = value`; empty lines and those that begin with # say nothing. A value may stand in
// double quotes, which keep its blanks at the ends; nothing in it is special.
func parseLines(name, text string) (map[string]source, error) {
	out := map[string]source{}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			// The line may be a secret that lost its key: it is not shown.
			return nil, fmt.Errorf("%s:%d: is no line of the form key = value", name, number)
		}
		if key == configKey {
			return nil, fmt.Errorf("%s:%d: %s: cannot be set in a file", name, number, key)
		}
		if _, known := byKey(key); !known {
			return nil, fmt.Errorf("%s:%d: %s: no such setting%s", name, number, quoted(key), suggest(key, func(s setting) string { return s.key }))
		}
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		if first, twice := out[key]; twice {
			return nil, fmt.Errorf("%s: is set twice, again in line %d", first.name, number)
		}
		out[key] = source{fmt.Sprintf("%s:%d: %s", name, number, key), value}
	}
	return out, nil
}
