package conf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// environment is what Load knows of the process's surroundings.
type environment struct {
	vars map[string]string
	root bool
}

// source is where a setting's text came from, for errors: PGOWL_LISTEN, --listen, or pgowl.conf:3: listen.
type source struct {
	name string
	text string
}

// Load gives the settings of a process with these arguments (without the program's name) and environment (NAME=value, as
// from os.Environ). Its errors are one line, for people.
func Load(args, environ []string) (Config, error) {
	return load(args, environ, os.Geteuid() == 0)
}

func load(args, environ []string, root bool) (Config, error) {
	env := environment{vars: map[string]string{}, root: root}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		env.vars[name] = value
	}
	command, rest, flags, err := parseArgs(args)
	if err != nil {
		return Config{}, err
	}
	if command == Version || command == Help {
		return Config{Command: command}, nil // these must work whatever the surroundings
	}
	fromEnv, err := parseEnviron(env.vars)
	if err != nil {
		return Config{}, err
	}
	from := map[string]source{}
	path, named := fromEnv[configKey]
	if flag, ok := flags[configKey]; ok {
		path, named = flag, true
	}
	if named {
		fromFile, err := parseFile(path)
		if err != nil {
			return Config{}, err
		}
		merge(from, fromFile)
	}
	merge(from, fromEnv)
	merge(from, flags)

	c := defaults(env)
	c.Command, c.Args = command, rest
	for _, s := range settings {
		src, ok := from[s.key]
		if !ok || s.set == nil {
			continue
		}
		if err := printable(src.text); err != nil {
			return Config{}, fmt.Errorf("%s: %w", src.name, err)
		}
		if err := s.set(&c, src.text); err != nil {
			return Config{}, fmt.Errorf("%s: %w", src.name, err)
		}
		if c.Given == nil {
			c.Given = map[string]Secret{}
		}
		c.Given[s.key] = Secret(src.text)
	}
	return finish(c, from)
}

// merge lays over what is set; an empty text means the default, as PGOWL_X= in a shell does.
func merge(base, over map[string]source) {
	for key, src := range over {
		if src.text == "" {
			delete(base, key)
		} else {
			base[key] = src
		}
	}
}

// finish fills in what depends on other settings, and checks what only several settings together can violate.
func finish(c Config, from map[string]source) (Config, error) {
	if c.Data == "" {
		return Config{}, errors.New("PGOWL_DATA: is not set, and there is no home folder to derive it from")
	}
	if c.Models == "" {
		c.Models = filepath.Join(c.Data, "models")
	}
	// The models commands and init speak to the database alone, and never through a proxy.
	if c.Service != "" && c.Upstream == "" && c.Command != Models && c.Command != Init {
		return Config{}, fmt.Errorf("%s: has a meaning only beside PGOWL_UPSTREAM, which is not set", from["service"].name)
	}
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return Config{}, fmt.Errorf("%s: needs PGOWL_TLS_KEY beside it", from["tls_cert"].name)
	case c.TLSKey != "" && c.TLSCert == "":
		return Config{}, fmt.Errorf("%s: needs PGOWL_TLS_CERT beside it", from["tls_key"].name)
	case c.TLSCert != "":
		if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
			return Config{}, fmt.Errorf("%s: not usable with PGOWL_TLS_KEY: %s", from["tls_cert"].name, firstLine(err.Error()))
		}
	}
	for _, s := range []struct{ key, needs, env string }{{"tls_ca", c.TLSCert, "PGOWL_TLS_CERT"}, {"tls_client", c.TLSCA, "PGOWL_TLS_CA"}, {"tls_map", c.TLSCA, "PGOWL_TLS_CA"}} {
		if src, set := from[s.key]; set && s.needs == "" {
			return Config{}, fmt.Errorf("%s: needs %s beside it", src.name, s.env)
		}
	}
	if c.Auth == "users" && c.Users == "" {
		return Config{}, fmt.Errorf("%s: users needs PGOWL_USERS beside it", from["auth"].name)
	}
	return c, nil
}

// databaseFlag is the one flag that is no setting: pgowl models rm --database NAME takes a model out of the database instead of the model folder.
const databaseFlag = "--database"

// parseArgs tells commands from flags; flags may stand before and after the command.
func parseArgs(args []string) (Command, []string, map[string]source, error) {
	flags := map[string]source{}
	var words []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "-h" || arg == "--help" || arg == "-help" {
			return Help, nil, nil, nil
		}
		if arg == "--version" {
			return Version, nil, nil, nil
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" || arg == databaseFlag {
			words = append(words, arg)
			continue
		}
		name, text, joined := strings.Cut(arg, "=")
		s, ok := byFlag(name)
		if !ok {
			return "", nil, nil, fmt.Errorf("%s: no such flag%s; pgowl help lists them", quoted(name), suggest(name, setting.flag))
		}
		if !joined {
			if i++; i >= len(args) {
				return "", nil, nil, fmt.Errorf("%s: needs a value", s.flag())
			}
			text = args[i]
		}
		flags[s.key] = source{s.flag(), text}
	}
	command, rest, err := parseCommand(words)
	return command, rest, flags, err
}

func parseCommand(words []string) (Command, []string, error) {
	if len(words) == 0 {
		return "", nil, errors.New("no command: pgowl serve, init, models, doctor, version or help")
	}
	command, rest := Command(words[0]), words[1:]
	switch command {
	case Help, Version:
		return command, nil, nil
	case Serve, Init, Doctor:
		if len(rest) > 0 {
			return "", nil, fmt.Errorf("pgowl %s: takes no argument, got %s", command, quoted(rest[0]))
		}
		return command, nil, nil
	case Models:
		switch {
		case slices.Contains(rest, databaseFlag) && !(len(rest) > 2 && rest[0] == "rm" && rest[1] == databaseFlag && !slices.Contains(rest[2:], databaseFlag)):
			return "", nil, errors.New("pgowl models: --database stands behind rm, before the names")
		case len(rest) > 1 && slices.Contains([]string{"pull", "push", "rm"}, rest[0]) && !slices.Contains(rest, ""):
		case len(rest) > 0 && rest[0] == "verify" && !slices.Contains(rest, ""):
		case len(rest) == 1 && rest[0] == "list":
		default:
			return "", nil, errors.New("pgowl models: write pgowl models pull NAME[@REVISION][:GRAPH]..., push NAME[:GRAPH]..., verify [NAME]..., rm [--database] NAME... or list")
		}
		return command, rest, nil
	}
	return "", nil, fmt.Errorf("%s: no such command; there are serve, init, models, doctor, version and help", quoted(words[0]))
}

func byFlag(name string) (setting, bool) {
	for _, s := range settings {
		if name == s.flag() {
			return s, true
		}
	}
	return setting{}, false
}

func parseEnviron(vars map[string]string) (map[string]source, error) {
	out := map[string]source{}
	for _, s := range settings {
		if text, ok := vars[s.env()]; ok {
			out[s.key] = source{s.env(), text}
			delete(vars, s.env())
		}
	}
	unknown := ""
	for name := range vars {
		if strings.HasPrefix(name, "PGOWL_") && (unknown == "" || name < unknown) {
			unknown = name
		}
	}
	if unknown != "" {
		return nil, fmt.Errorf("%s: no such setting%s", quoted(unknown), suggest(unknown, setting.env))
	}
	return out, nil
}

func printable(text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("holds a control character or bytes that are no UTF-8")
	}
	return nil
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// quoted shows a name as it is when it is plain, so that errors read well, and quoted when it could break the line.
func quoted(name string) string {
	if printable(name) != nil || name == "" || strings.Contains(name, " ") {
		return fmt.Sprintf("%q", name)
	}
	return name
}
