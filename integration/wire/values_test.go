package wire

import "strings"

// pairs are values as text and as binary.
var pairs = []struct{ typ, text, binary string }{
	{"int4", "41", "x:00000029"},
	{"int8", "-1", "x:ffffffffffffffff"},
	{"bool", "t", "x:01"},
	{"float8", "1.5", "x:3ff8000000000000"},
	{"text", `"a text"`, "x:6120746578740a"},
	{"bytea", `"\\x00ff"`, "x:00ff"},
	{"numeric", "12345.678", "x:000300010000000300010929 1a7c"},
	{"date", "2001-02-03", "x:00000190"},
	{"timestamptz", `"2001-02-03 04:05:06+00"`, "x:00001f5d0b1cac80"},
	{"uuid", "00112233-4455-6677-8899-aabbccddeeff", "x:00112233445566778899aabbccddeeff"},
	{"jsonb", `"{\"a\": 1}"`, "x:017b7d"},
	{"int4[]", "{1,NULL,3}", "x:0000000100000001000000170000000300000001000000040000000100000000ffffffff"},
	{"point", "(1,2)", "x:3ff00000000000004000000000000000"},
	{"interval", `"1 day 2 hours"`, "x:00000001ad27480000000001 00000000"},
}

// valueFormats has values in both formats, mixed, in wrong numbers and of wrong kinds.
func valueFormats() (all []script) {
	for i, a := range pairs {
		a.binary = strings.ReplaceAll(a.binary, " ", "")
		b := pairs[(i+1)%len(pairs)]
		b.binary = strings.ReplaceAll(b.binary, " ", "")
		parse := "P s SELECT $1::" + a.typ + ", $2::" + b.typ + ", 'third'"
		for _, formats := range []string{"", "0", "1", "0,1", "1,0", "1,1"} {
			x, y, pf := a.text, b.text, ""
			if formats != "" {
				each := strings.Split(formats, ",")
				if each[0] == "1" {
					x = a.binary
				}
				if each[len(each)-1] == "1" {
					y = b.binary
				}
				pf = "pf=" + formats + " "
			}
			for _, results := range []string{"", "rf=1 ", "rf=0,1,0 "} {
				if i > 0 && (results == "") != (formats == "0,1") {
					continue // all of them for one pair; half of them for the others
				}
				all = append(all, scriptOf("formats/%s/%s/%s", join(parse, "D S s", "B - s "+pf+results+x+" "+y, "D P -", "E -", "B - s null null", "E -", "S", "read Z"), a.typ, formats, results))
			}
		}
	}
	for _, wrong := range []string{"pf=0,0,0 1 t", "pf=2 1 t", "pf=0,7 1 t", "pf=-1 1 t", "rf=2 1 t", "rf=0,0 1 t", "rf=0,0,0,0 1 t", "rf=9,0,1 1 t",
		"rf=-1 1 t", "1", "1 t 3", "", "pf=1,1 1 t", "pf=1 x: t", "null t", "1 x:", "pf=0,1 1 x:0102"} {
		all = append(all, scriptOf("wrong formats/%s", join("P s SELECT $1::int4, $2::bool, 'third'", "D S s", "B - s "+wrong, "D P -", "E -", "S", "read Z", "B - s 1 t", "E -", "S", "read Z"), wrong))
	}
	for _, declared := range []string{"23,16", "23", "0,16", "0", "20,25", "705,16", "23,16,25", "99999", "2278", "1,2,3,4,5"} {
		all = append(all, scriptOf("declared/%s", join("P s:"+declared+" SELECT $1, $2::bool", "D S s", "B - s 1 t", "D P -", "E -", "S", "read Z"), declared))
	}
	return all
}
