package pool

import "bytes"

// keeping are functions whose effect stays with the server connection, and what is said of them.
var keeping = map[string]string{
	escapedName:        "escaped name",
	"pg_advisory_lock": "advisory lock", "pg_advisory_lock_shared": "advisory lock",
	"pg_try_advisory_lock": "advisory lock", "pg_try_advisory_lock_shared": "advisory lock",
	"pg_temp": "temporary object", "setseed": "setseed", "currval": "sequence value", "lastval": "sequence value",
	"pg_replication_origin_session_setup": "replication origin",
	"dblink_connect":                      "dblink", "dblink_connect_u": "dblink",
}

// lasting are those of them that not even DISCARD ALL undoes.
var lasting = map[string]bool{"setseed": true, "pg_replication_origin_session_setup": true, "dblink_connect": true, "dblink_connect_u": true}

// inBlock are words that in the body of a DO block may be a statement that keeps something, or begin one.
var inBlock = map[string]bool{"set": true, "set_config": true, "execute": true, "pg_settings": true, "temp": true, "temporary": true, "listen": true, "load": true}

// judge reads a statement's text. It errs on the side of keeping the server connection: a word that only looks like one that matters costs
// a pool slot, one that is missed would show a client another's session. What a function does inside, it cannot see.
func judge(text []byte, backslash bool) (v verdict) {
	s := &scanner{text: text, backslash: backslash}
	statements := 0
	for {
		word := s.next()
		for word == ";" {
			word = s.next()
		}
		if word == "" {
			break
		}
		statements++
		v.statement(s, word)
	}
	if statements != 1 {
		v.first = ""
	}
	return v
}

func (v *verdict) keep(why string) {
	if v.pin == "" {
		v.pin = why
	}
}

// statement reads one statement, whose first word has been read.
func (v *verdict) statement(s *scanner, first string) {
	if s.quoted {
		first = "" // a name, no keyword
	}
	before, word, updates := "", first, false
	switch first {
	case "set":
		word = v.setting(s)
	case "listen":
		v.keep("LISTEN")
	case "load":
		v.keep("LOAD")
		v.tainted = true
	case "prepare":
		if word = s.next(); word != "transaction" || s.quoted {
			v.keep("PREPARE")
		}
	case "execute", "deallocate":
		word = s.next()
		if word == "prepare" && first == "deallocate" && !s.quoted {
			word = s.next()
		}
		if word != "" && (word != "all" || s.quoted) && letterOrQuote(s.text[s.from]) {
			v.first, v.from, v.to = first, s.from, s.at
		}
	}
	for ; word != "" && word != ";"; before, word = word, s.next() {
		switch {
		case word == "'":
			if first == "do" {
				v.block(s.word, s.backslash, 0)
			}
			if first == "set" && bytes.Contains(s.word, []byte("pg_temp")) { // what is created from now on may be temporary
				v.keep("temporary object")
			}
		case word == "update":
			updates = true
		case word == "pg_settings" && updates: // a rule of that view calls set_config
			v.keep("pg_settings")
		case word == "temp" || word == "temporary":
			switch before {
			case "create", "replace", "local", "global", "into":
				v.keep("temporary object")
			}
		case word == "hold" && first == "declare" && before == "with":
			v.keep("WITH HOLD cursor")
		case word == "set_config":
			if !v.localConfig(s) {
				v.keep("set_config")
			}
			if s.at > 0 && s.text[s.at-1] == ';' {
				return
			}
		case keeping[word] != "":
			v.keep(keeping[word])
			v.tainted = v.tainted || lasting[word]
		}
	}
}

func letterOrQuote(c byte) bool { return letter(c) || c == '"' }

// setting reads a SET; it gives the word that it stopped at.
func (v *verdict) setting(s *scanner) string {
	word := s.next()
	if word == "session" && !s.quoted {
		switch word = s.next(); word {
		case "characteristics":
			v.keep("SET SESSION CHARACTERISTICS")
			return word
		case "authorization":
			v.keep("SET SESSION AUTHORIZATION")
			return word
		}
	}
	name := string(s.word)
	if !s.quoted {
		switch word {
		case "local", "transaction", "constraints":
			return word
		case "time":
			name = "timezone"
		case "names":
			name = "client_encoding"
		}
	}
	v.sets = append(v.sets, name)
	return word
}

// localConfig tells whether a call of set_config changes something for the transaction only.
func (v *verdict) localConfig(s *scanner) bool {
	if s.next() != "(" {
		return false
	}
	last, count, hidden := "", 0, false
	for depth := 1; depth > 0; {
		switch word := s.next(); word {
		case "", ";":
			return false
		case "(", "[":
			depth++
			count++
		case ")", "]":
			depth--
		case ",":
			if depth == 1 {
				last, count = "", 0
			}
		default:
			last = word
			count++
			hidden = hidden || word == "set_config" || keeping[word] != ""
		}
	}
	return last == "true" && count == 1 && !hidden
}

// block reads the body of a DO block, in which any word may begin a statement, and any string may be one.
func (v *verdict) block(body []byte, backslash bool, depth int) {
	if depth > 5 { // nobody writes that; it would take long to read
		v.keep("DO block")
		return
	}
	s := &scanner{text: append([]byte(nil), body...), backslash: backslash}
	for word := s.next(); word != ""; word = s.next() {
		switch {
		case word == "'":
			v.block(s.word, backslash, depth+1)
		case inBlock[word]:
			v.keep("DO block")
		case keeping[word] != "":
			v.keep(keeping[word])
			v.tainted = v.tainted || lasting[word]
		}
	}
}
