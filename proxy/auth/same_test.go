package auth

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// sasl makes a SASLInitialResponse; its data are left out where they are "-".
func sasl(mechanism, data string) string {
	b := append([]byte(mechanism), 0)
	if data == "-" {
		return string(protocol.Append(nil, 'p', binary.BigEndian.AppendUint32(b, 0xffffffff)))
	}
	return string(protocol.Append(nil, 'p', append(binary.BigEndian.AppendUint32(b, uint32(len(data))), data...)))
}

// response makes a SASLResponse or PasswordMessage.
func response(data string) string { return string(protocol.Append(nil, 'p', []byte(data))) }

// played sends messages, one behind each answer of the other side, and tells what came: the kinds of requests, and an error's fields.
// NONCE in a message becomes the last nonce that the other side sent.
func played(conn net.Conn, messages []string) (log []string) {
	defer conn.Close()
	nonce := ""
	for {
		m, err := ReadMessage(conn)
		if err != nil {
			return append(log, "closed")
		}
		switch m[0] {
		case 'E':
			f := fields(m)
			return append(log, fmt.Sprintf("%s %s %s | %s | %s", f['S'], f['V'], f['C'], f['M'], f['D']))
		case 'R':
			code := binary.BigEndian.Uint32(m[protocol.HeaderSize:])
			text := string(m[protocol.HeaderSize+4:])
			if code == requestSASLContinue {
				if r, ok := strings.CutPrefix(text, "r="); ok {
					nonce, text, _ = strings.Cut(r, ",")
					text = fmt.Sprintf("nonce of %d, %d bytes", len(nonce), len(text))
				}
			}
			if code == requestSASLFinal || code == requestMD5 {
				text = fmt.Sprintf("%d bytes", len(text))
			}
			log = append(log, fmt.Sprintf("R %d %q", code, text))
			if code == requestOK {
				return log
			}
			if code == requestSASLFinal {
				continue
			}
		}
		if len(messages) == 0 {
			return append(log, "asked for more")
		}
		next := messages[0]
		if strings.Contains(next, "NONCE") {
			next = string(protocol.Append(nil, 'p', []byte(strings.ReplaceAll(next[protocol.HeaderSize:], "NONCE", nonce))))
		}
		messages = messages[1:]
		if _, err := conn.Write([]byte(next)); err != nil {
			return append(log, "closed")
		}
	}
}

// What clients may say, right and wrong, is answered as Postgres does it: the same requests and the same errors.
func TestAnswersAreThoseOfTheServer(t *testing.T) {
	s := server(t)
	certificate := pgtest.Certificate(t, "localhost", nil)
	a := authenticator(t, Users, `"scrammer" "`+stored(t, "scrammer")+`"`+"\n"+`"md5er" "`+stored(t, "md5er")+`"`)
	proof := "A6+UbHOTCnJoB5WyF8Q+5kGCNFwMxFGMbVnBZTZEZ4w="
	scripts := [][]string{
		{"Q\x00\x00\x00\x06;\x00"},
		{sasl("NOSUCH", "n,,n=,r=abc")},
		{sasl("", "")},
		{response("SCRAM-SHA-256")},
		{response("SCRAM-SHA-256\x00\x00\x00")},
		{response("SCRAM-SHA-256\x00\x00\x00\x00\x09abc")},
		{response("SCRAM-SHA-256\x00\x00\x00\x00\x01abc")},
		{sasl("SCRAM-SHA-256", "-"), response("n,,n=,r=abc"), response("c=biws,r=NONCE,p=" + proof)},
		{sasl("SCRAM-SHA-256", "-"), response("")},
		{sasl("SCRAM-SHA-256", "n,,n=,r=abc"), "X\x00\x00\x00\x04"},
	}
	for _, first := range []string{"", "x", "n", "n,", "nx", "n,a=foo,n=,r=abc", "n,,", "n,x,", "n,,m=1,n=,r=abc", "n,,n=", "n,,n", "n,,n=,r=", "n,,n=,r=\x01", "n,,n=,r=a b",
		"n,,x=,r=abc", "n,,n=,r=abc,q", "n,,n=,r=abc,q=1", "n,,n=,r=abc,1=1", "n,,n=,r=abc,", "y,,n=,r=abc", "y", "yx", "p=tls-unique,,n=,r=abc", "p=tls-server-end-point,,n=,r=abc", "p",
		"n,,n=,r=abc\x00", "\x00", "n,,n=\xff,r=abc", "n,,\xff", "p=" + strings.Repeat("long", 20) + ",,n=,r=abc", "p=a b,,n=,r=abc"} {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"} {
			scripts = append(scripts, []string{sasl(mechanism, first)})
		}
	}
	for _, last := range []string{"", "c=biws", "c=biws,r=NONCE", "c=biws,r=NONCE,p=", "c=biws,r=NONCE,p=abc", "c=biws,r=NONCE,p=" + proof, "c=biws,r=NONCE,p=" + proof + ",",
		"c=biws,r=NONCE,p=" + proof + ",x=1", "c=biws,r=NONCE,x=1,p=" + proof, "c=biws,r=NONCE,xx,p=" + proof, "c=biws,r=NONCEx,p=" + proof, "c=biws,r=,p=" + proof, "c=eSws,r=NONCE,p=" + proof,
		"c=,r=NONCE,p=" + proof, "x=biws,r=NONCE,p=" + proof, "c=biws,c=biws,r=NONCE,p=" + proof, "c=biws,r=NONCE,p=" + proof + "\x00", "c=biws,r=NONCE,", "c=biws,r=NONCE,,"} {
		for _, user := range []string{"", "u"} {
			scripts = append(scripts, []string{sasl("SCRAM-SHA-256", "n,,n="+user+",r=abc"), response(last)})
		}
		scripts = append(scripts, []string{sasl("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=abc"), response(last)})
	}
	passwords := [][]string{{response("")}, {response("\x00")}, {response("wrong\x00")}, {response("wrong")}, {response("a\x00b\x00")}, {"Q\x00\x00\x00\x06;\x00"}, {response("md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x00")}}
	play := func(user string, inTLS bool, script []string) {
		t.Helper()
		want := played(open(t, s, user, inTLS), script)
		cert := certificate
		if !inTLS {
			cert = nil
		}
		clientEnd, serverEnd := pair(t, cert, nil)
		var got []string
		accepted(t, a, user, clientEnd, serverEnd, func(conn net.Conn) error {
			got = played(conn, script)
			return nil
		})
		serverEnd.Close()
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("%s, TLS %v, %q:\nthe server %q\nPgOwl      %q", user, inTLS, script, want, got)
		}
	}
	for _, script := range scripts {
		for _, inTLS := range []bool{false, true} {
			play("scrammer", inTLS, script)
		}
		play("nobody", true, script)
	}
	for _, script := range passwords {
		play("md5er", true, script)
	}
}
