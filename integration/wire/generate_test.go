package wire

import (
	"fmt"
	"strings"
)

// generated gives the scripts that small tables make.
func generated() []script {
	var all []script
	for _, make := range []func() []script{
		pipelineErrors, syncPlaces, valueFormats, rowLimits, copies, severalStatements, notices, brokenMessages,
	} {
		all = append(all, make()...)
	}
	return all
}

// scriptOf makes a script of lines; a name and its arguments give its name.
func scriptOf(name, lines string, args ...any) script {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '#' {
			return '|'
		}
		return r
	}, fmt.Sprintf(name, args...))
	return script{name, parseScript(lines)}
}

// join puts lines together.
func join(parts ...string) string { return strings.Join(parts, "\n") }
