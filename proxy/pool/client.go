package pool

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// Client is who wants a server connection. NewClient makes one; Secret and Proven are the caller's to set.
type Client struct {
	Secret auth.Secret // what opens new server connections
	Proven bool        // who the client is has been proved to PgOwl; if not, the server has to take the secret first

	version     uint32
	place       place
	settings    [][2]string // of the start-up message, but user, database and what the pool sets itself
	application string      // application_name where it is pooled over, else ""
	identity    string      // what server connections must have been started with, to be this client's
	foreign     []string    // protocol options that are not known here
}

// maxName is the longest name that Postgres keeps (NAMEDATALEN - 1).
const maxName = 63

// NewClient reads a start-up message: its version and what follows that. ok is false where it is malformed, or asks for something that
// no pool has: replication, or another protocol.
//
// Server connections are started with all of the client's settings, and lent only to clients with the same ones, so that RESET means what
// it should. application_name alone may differ.
func NewClient(version uint32, body []byte) (c *Client, ok bool) {
	if version>>16 != 3 {
		return nil, false // the server knows how to refuse it
	}
	c = &Client{version: version}
	named := false
	for {
		name, rest, ok := protocol.CutString(body)
		if !ok {
			return nil, false
		}
		if name == "" {
			if len(rest) > 0 {
				return nil, false
			}
			break
		}
		value, rest, ok := protocol.CutString(rest)
		if !ok {
			return nil, false
		}
		body = rest
		switch {
		case name == "user":
			c.place.user = value
		case name == "database":
			c.place.database = value
		case name == "replication":
			return nil, false
		case strings.HasPrefix(name, "_pq_."):
			c.foreign = append(c.foreign, name)
		case name == "pgowl.session":
		case name == "application_name" && plain(value):
			c.application, named = value, true
		default:
			c.settings = append(c.settings, [2]string{name, value})
		}
	}
	if c.place.user == "" {
		return nil, false
	}
	if c.place.database == "" {
		c.place.database = c.place.user
	}
	sorted := slices.Clone(c.settings)
	slices.SortStableFunc(sorted, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	var b strings.Builder
	if named { // RESET application_name leads to some client's name, but never from none to one
		b.WriteString("named\x00")
		c.settings = append(c.settings, [2]string{"application_name", c.application})
	}
	for _, s := range sorted {
		b.WriteString(s[0] + "\x00" + s[1] + "\x00")
	}
	c.identity = b.String()
	return c, true
}

// plain tells whether the server takes an application's name as it is.
func plain(name string) bool {
	if len(name) > maxName || name == "" {
		return false
	}
	for i := range len(name) {
		if name[i] < 0x20 || name[i] > 0x7e {
			return false
		}
	}
	return true
}

// User and Database are whose connections the client wants.
func (c *Client) User() string { return c.place.user }

// Database is never empty; see User.
func (c *Client) Database() string { return c.place.database }

// Negotiation makes the NegotiateProtocolVersion that a client gets who asks for more than protocol 3.0; nil where it doesn't. It belongs
// before anything else.
func (c *Client) Negotiation() []byte {
	if c.version&0xFFFF == 0 && len(c.foreign) == 0 {
		return nil
	}
	body := binary.BigEndian.AppendUint32(nil, 0) // newest minor version that is spoken here
	body = binary.BigEndian.AppendUint32(body, uint32(len(c.foreign)))
	for _, name := range c.foreign {
		body = append(append(body, name...), 0)
	}
	return protocol.Append(nil, 'v', body)
}

// startup makes the start-up message of a server connection for this client.
func (c *Client) startup(token string) []byte {
	b := []byte{0, 0, 0, 0, 0, 3, 0, 0}
	add := func(name, value string) { b = append(append(append(append(b, name...), 0), value...), 0) }
	add("user", c.place.user)
	add("database", c.place.database)
	for _, s := range c.settings {
		add(s[0], s[1])
	}
	if token != "" {
		add("pgowl.session", token)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
