package auth

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// rule lets the holders of certificates be a role.
type rule struct {
	name    string         // a common name; not used where pattern is set
	pattern *regexp.Regexp // a pattern that the common name has to have a match of
	role    string         // where it holds \1, the pattern's first group stands for that
}

// parseRules reads lines of `name role`, in the manner of pg_ident.conf (manual, "User Name Maps"): name is a certificate's common
// name or, behind a slash, a regular expression (Go's syntax), whose first group \1 stands for in role. Either may stand in double
// quotes; # begins a comment.
func parseRules(text string) ([]rule, error) {
	var rules []rule
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		fields, err := ruleFields(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d has %d words, and needs two: a common name or /pattern, and a role", number, len(fields))
		}
		r := rule{name: fields[0], role: fields[1]}
		if pattern, ok := strings.CutPrefix(fields[0], "/"); ok {
			if r.pattern, err = regexp.Compile(pattern); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			if strings.Contains(r.role, `\1`) && r.pattern.NumSubexp() == 0 {
				return nil, fmt.Errorf(`line %d: the role has \1, but the pattern has no group`, number)
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// ruleFields splits a line at blanks; quotes keep them.
func ruleFields(line string) (fields []string, err error) {
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return fields, nil
		}
		if line[0] == '"' {
			field, rest, ok := quotedField(line)
			if !ok {
				return nil, errors.New("a quote is not closed")
			}
			fields, line = append(fields, field), rest
			continue
		}
		end := strings.IndexAny(line, " \t\r#")
		if end < 0 {
			end = len(line)
		}
		fields, line = append(fields, line[:end]), line[end:]
	}
}

// allows tells whether the holder of a certificate with this common name may be the role.
func (r rule) allows(name, role string) bool {
	if r.pattern == nil {
		return r.name == name && r.role == role
	}
	match := r.pattern.FindStringSubmatch(name)
	if match == nil {
		return false
	}
	want := r.role
	if len(match) > 1 {
		want = strings.Replace(want, `\1`, match[1], 1)
	}
	return want == role
}
