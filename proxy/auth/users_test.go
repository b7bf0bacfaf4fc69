package auth

import (
	"strings"
	"testing"
)

func TestUsersFile(t *testing.T) {
	stored := verifierText(t, "secret")
	users, err := parseUsers("; comment\n# comment\n\n\"ann\" \"secret\" \"more\" ...\r\n\t\"bob\"\"s\"   \"a \"\"b\"\" c\"\n\"ann\" \"second\"\n" +
		"\"md5\" \"md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n\"almost\" \"md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaag\"\n\"stored\" \"" + stored + "\"\n\"none\" \"\"")
	if err != nil {
		t.Fatal(err)
	}
	if len(users) != 6 || users["ann"].password != "secret" || users[`bob"s`].password != `a "b" c` || users["md5"].md5 == "" ||
		users["almost"].password == "" || users["stored"].verifier.text() != stored || users["none"].password != "" {
		t.Errorf("got %d users: %+v", len(users), users)
	}
	for text, want := range map[string]string{
		"ann secret":                      "line 1 is not of the form",
		"\n\"ann\"":                       "line 2 is not of the form",
		"\"ann\" \"open hunter2":          "line 1 is not of the form",
		"\"ann\" \"hunter2\x00\"":         "line 1 is not of the form",
		"\"\" \"hunter2\"":                "line 1 is not of the form",
		"\"a\" \"SCRAM-SHA-256$hunter2\"": "line 1: the secret is no SCRAM-SHA-256$",
		"\"a\" \"SCRAM-SHA-256$0:c2FsdA==$" + strings.SplitN(stored, "$", 3)[2] + "\"": "line 1: the secret is no SCRAM-SHA-256$",
		"\"a\" \"" + strings.Replace(stored, ":", ":x", 1) + "\"":                      "line 1: the secret is no SCRAM-SHA-256$",
	} {
		_, err := parseUsers(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestRulesFile(t *testing.T) {
	for text, want := range map[string]string{
		"a b c":       "line 1 has 3 words",
		"\n\na":       "line 3 has 1 words",
		`"a b`:        "line 1: a quote is not closed",
		"/( x":        "line 1: error parsing regexp",
		`/^a$ \1`:     `line 1: the role has \1`,
		"/[ x # y":    "line 1: error parsing regexp",
		"ann bob\n/a": "line 2 has 1 words",
	} {
		if _, err := parseRules(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := New(Options{Mode: "nosuch"}); err == nil {
		t.Error("a mode that there is not was taken")
	}
	for _, o := range []Options{{Users: "/no/such/file"}, {Map: "/no/such/file"}, {Users: write(t, "x")}, {Map: write(t, "x")}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
