package parser

// Mentions reports whether the text of a statement could hold a name of ours: pgml, pg_cron, plpython3u or pgowl.lanes in any case. It may
// say yes wrongly (a string, a comment), never no wrongly for what the proxy alone can do; a function found through
// search_path or an escaped identifier still works on the server, by the call lane.
func Mentions(text []byte) bool {
	for i := 0; i+3 < len(text); i++ {
		if text[i]|0x20 != 'p' {
			continue
		}
		switch text[i+1] | 0x20 {
		case 'g':
			if foldHasPrefix(text[i:], "pgml") || foldHasPrefix(text[i:], "pg_cron") || foldHasPrefix(text[i:], "pgowl.lanes") {
				return true
			}
		case 'l':
			if foldHasPrefix(text[i:], "plpython3u") {
				return true
			}
		}
	}
	return false
}

// foldHasPrefix compares without regard to ASCII case; lower is in lower case.
func foldHasPrefix(text []byte, lower string) bool {
	if len(text) < len(lower) {
		return false
	}
	for i := range len(lower) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
