package startup

import (
	"crypto/tls"
	"strings"
	"testing"
)

// A certificate that maps to a role logs in without a password; another one changes nothing.
func TestClientCertificates(t *testing.T) {
	w := open(t)
	ann := issue(t, w.dir, "scrammer", w.ca)
	robot := issue(t, w.dir, "robot-7", w.ca)
	stranger := issue(t, t.TempDir(), "scrammer", nil)
	s := setup{upstream: "sslmode=require&channel_binding=require", cert: w.owl, clients: tls.VerifyClientCertIfGiven, users: `"scrammer" "secret"`}
	names := w.launch(t, s)
	s.rules = `/^robot-\d+$ scrammer`
	mapped := w.launch(t, s)
	s.clients = tls.RequireAndVerifyClientCert
	required := w.launch(t, s)
	with := func(c *certificate) string {
		return "sslmode=verify-full sslcert=" + c.certFile + " sslkey=" + c.keyFile
	}
	for _, c := range []struct{ name, address, password, options, want string }{
		{"its name is the role", names, "wrong", with(ann), "scrammer"},
		{"another's name, right password", names, "secret", with(robot), "scrammer"},
		{"another's name, wrong password", names, "wrong", with(robot), "*password authentication failed"},
		{"none, right password", names, "secret", "sslmode=verify-full", "scrammer"},
		{"mapped", mapped, "wrong", with(robot), "scrammer"},
		{"not mapped", mapped, "wrong", with(ann), "*password authentication failed"},
		{"required, none", required, "secret", "sslmode=verify-full", "*"},
		{"required, mapped", required, "wrong", with(robot), "scrammer"},
		{"signed by a stranger", names, "wrong", with(stranger), "*"},
	} {
		for _, cl := range clients(t)[:2] {
			got := cl.run(t, w.conninfo(c.address, "scrammer", c.password, c.options))
			want, part := strings.CutPrefix(c.want, "*")
			if !part && got != want || part && (!strings.Contains(got, want) || got == "scrammer") {
				t.Errorf("%s, %s: got %q, want %q", c.name, cl.name, got, c.want)
			}
		}
	}
}
