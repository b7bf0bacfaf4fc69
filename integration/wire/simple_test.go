package wire

import (
	"fmt"
	"strings"
)

// severalStatements has a text of four statements of which one fails, with the ends of transactions among them.
func severalStatements() (all []script) {
	for name, failing := range map[string]string{
		"none": "SELECT 9", "run": "SELECT 1/0", "name": "SELECT * FROM nosuch", "constraint": "INSERT INTO m VALUES (0)", "raised": "DO $$ BEGIN RAISE 'x'; END $$",
		"syntax": "SELEC 1", "not in a block": "VACUUM m", "empty": "", "rollback": "ROLLBACK", "commit": "COMMIT", "begin": "BEGIN", "savepoint": "SAVEPOINT x",
	} {
		for place := range 4 {
			for _, around := range []string{"", "BEGIN first", "COMMIT second", "in a block"} {
				if around != "" && place == 3 {
					continue
				}
				texts := []string{"SELECT 1 AS a", "INSERT INTO m VALUES (1)", "SELECT 'x' AS b"}
				switch around {
				case "BEGIN first":
					texts[0] = "BEGIN"
				case "COMMIT second":
					texts[1] = "COMMIT"
				}
				texts = append(texts[:place:place], append([]string{failing}, texts[place:]...)...)
				before := "Q CREATE TEMP TABLE m (a int CHECK (a > 0))\nread Z"
				if around == "in a block" {
					before += "\nQ BEGIN\nread Z"
				}
				all = append(all, scriptOf("several/%s/%d/%s", join(before, "Q "+strings.Join(texts, "; "), "read Z", "Q SELECT * FROM m", "Q ROLLBACK", "Q SELECT * FROM m", "read Z Z Z"), name, place, around))
			}
		}
	}
	return all
}

// notices has notices of every level under every setting of what the client wants to hear.
func notices() (all []script) {
	levels := []string{"DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "EXCEPTION"}
	for _, least := range []string{"debug5", "debug1", "log", "notice", "warning", "error"} {
		for i, level := range levels {
			body := fmt.Sprintf("DO $$ BEGIN RAISE %s 'said'; RAISE %s USING MESSAGE = 'with all', DETAIL = 'd', HINT = 'h', ERRCODE = '0100%d'; END $$", level, level, i)
			all = append(all, scriptOf("notice/%s/%s", join("Q SET client_min_messages = "+least, "read Z", "Q SELECT 1; "+body+"; SELECT 2", "read Z",
				"P - "+body, "B - -", "E -", "P - SELECT 3", "B - -", "E -", "S", "read Z"), least, level))
		}
	}
	return all
}
