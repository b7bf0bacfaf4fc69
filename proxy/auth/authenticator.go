package auth

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
)

// Mode tells who authenticates clients (PGOWL_AUTH).
type Mode string

// The modes. The zero value is Relay.
const (
	Relay    Mode = "relay"    // the server, whose requests are relayed; PgOwl where that cannot work
	Users    Mode = "users"    // PgOwl, from the users file
	Password Mode = "password" // the server, by the password that PgOwl asks for inside TLS
)

// Options are what an Authenticator needs; all may be left out.
type Options struct {
	Mode  Mode
	Users string      // path of the users file; empty: nobody is known
	Map   string      // path of the file that maps certificates to roles; empty: the common name is the role
	Log   *zap.Logger // nil: quiet
}

// Authenticator authenticates clients. Its methods may be called from several goroutines.
type Authenticator struct {
	options Options
	mockKey []byte // of the salts of those who don't exist

	reload sync.Mutex // held by Reload
	files  atomic.Pointer[files]
}

// files is what was read at one time. It is not changed.
type files struct {
	users map[string]*entry
	rules []rule
}

// New reads the files.
func New(o Options) (*Authenticator, error) {
	switch o.Mode {
	case "":
		o.Mode = Relay
	case Relay, Users, Password:
	default:
		return nil, fmt.Errorf("authentication: there is no mode %q", o.Mode)
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	a := &Authenticator{options: o, mockKey: make([]byte, keySize)}
	rand.Read(a.mockKey)
	if err := a.Reload(); err != nil {
		return nil, err
	}
	return a, nil
}

// Reload reads the files again. On an error what was read before stays, as a whole. A password in clear costs about a millisecond,
// unless it was there before.
func (a *Authenticator) Reload() error {
	a.reload.Lock()
	defer a.reload.Unlock()
	text, err := readFile(a.options.Users)
	if err != nil {
		return fmt.Errorf("users file %w", err)
	}
	next := &files{}
	if next.users, err = parseUsers(text); err != nil {
		return fmt.Errorf("users file: %w", err)
	}
	if text, err = readFile(a.options.Map); err != nil {
		return fmt.Errorf("certificate map %w", err)
	}
	if next.rules, err = parseRules(text); err != nil {
		return fmt.Errorf("certificate map: %w", err)
	}
	old := map[string]*entry{}
	if f := a.files.Load(); f != nil {
		old = f.users
	}
	if err := a.derive(next.users, old); err != nil {
		return fmt.Errorf("users file: %w", err)
	}
	a.files.Store(next)
	return nil
}

// derive makes the verifiers of passwords in clear before anybody logs in: a log-in is cheap then, and takes as long as that of
// somebody who does not exist.
func (a *Authenticator) derive(users, old map[string]*entry) error {
	var wait sync.WaitGroup
	var failed atomic.Pointer[error]
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for name, e := range users {
		if e.password == "" {
			continue
		}
		if before := old[name]; before != nil && before.password == e.password {
			users[name] = before
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			keys, err := deriveKeys(e.password, a.mockSalt(name), defaultIterations)
			if err != nil {
				failed.Store(&err)
				return
			}
			e.verifier = keys.verifier()
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// mockSalt is a name's salt: always the same, and none that others can compute.
func (a *Authenticator) mockSalt(user string) []byte {
	return mac(a.mockKey, []byte(user))[:defaultSalt]
}

// mock is the verifier of somebody who does not exist. Nothing fits it.
func (a *Authenticator) mock(user string) *verifier {
	return &verifier{salt: a.mockSalt(user), iterations: defaultIterations, storedKey: make([]byte, keySize), serverKey: make([]byte, keySize)}
}

// Mode is the mode that the Authenticator was made with.
func (a *Authenticator) Mode() Mode { return a.options.Mode }

// Knows tells whether the users file has the role.
func (a *Authenticator) Knows(user string) bool { return a.files.Load().users[user] != nil }

// Certified tells whether the client has shown a certificate that lets it be the role, and the users file what proves the role to a
// server: Accept asks such a client for nothing.
func (a *Authenticator) Certified(client net.Conn, user string) bool {
	_, ok := a.certified(client, user)
	return ok
}

func (a *Authenticator) certified(client net.Conn, user string) (Secret, bool) {
	f := a.files.Load()
	e := f.users[user]
	t, ok := client.(secured)
	if !ok || e == nil {
		return Secret{}, false
	}
	secret, ok := e.secret()
	if !ok {
		return Secret{}, false
	}
	chains := t.ConnectionState().VerifiedChains // empty unless the certificate was checked
	if len(chains) == 0 || len(chains[0]) == 0 || !f.allows(chains[0][0], user, a.options.Map != "") {
		return Secret{}, false
	}
	return secret, true
}

func (f *files) allows(c *x509.Certificate, role string, mapped bool) bool {
	name := c.Subject.CommonName
	if name == "" || strings.IndexByte(name, 0) >= 0 { // a name that C programs read in another way
		return false
	}
	if !mapped {
		return name == role
	}
	for _, r := range f.rules {
		if r.allows(name, role) {
			return true
		}
	}
	return false
}

// Accept authenticates a client that has sent its start-up message: by its certificate; from the users file, in mode Users and, for
// those whom it knows, in mode Relay; else by asking for the password, inside TLS or on a Unix socket only. That password
// is not checked here but by the server that it is proved to: no client is authenticated before Prove has succeeded with its
// Secret. client may be a *tls.Conn, of ServerTLS. No AuthenticationOk is sent. An error was already told to the client.
func (a *Authenticator) Accept(ctx context.Context, client net.Conn, user string) (Secret, error) {
	secret, last, err := a.AcceptUnsaid(ctx, client, user)
	if err == nil && len(last) > 0 {
		_, err = client.Write(last)
	}
	if err != nil {
		return Secret{}, err
	}
	return secret, nil
}

// AcceptUnsaid is Accept, except that it leaves the message that ends a SCRAM exchange (AuthenticationSASLFinal, with header; nil: there
// is none) to be sent by the caller before anything else: what follows it may go out in the same packet.
func (a *Authenticator) AcceptUnsaid(ctx context.Context, client net.Conn, user string) (_ Secret, last []byte, err error) {
	if secret, ok := a.certified(client, user); ok {
		a.options.Log.Debug("authenticated by certificate", zap.String("user", user))
		return secret, nil, nil
	}
	return a.exchange(ctx, client, user, a.ask)
}

// AskPassword is Accept for a client that is asked for its password in clear whatever the mode and the users file say.
func (a *Authenticator) AskPassword(ctx context.Context, client net.Conn, user string) (Secret, error) {
	secret, _, err := a.exchange(ctx, client, user, askPassword)
	return secret, err
}

// exchange asks, and tells the client what was wrong.
func (a *Authenticator) exchange(ctx context.Context, client net.Conn, user string, ask func(net.Conn, string) (Secret, []byte, error)) (_ Secret, last []byte, err error) {
	release := watch(ctx, client)
	secret, last, err := ask(client, user)
	if ended := release(); ended != nil {
		return Secret{}, nil, ended
	}
	var told *Error
	if errors.As(err, &told) {
		a.options.Log.Info("a client was refused", zap.String("user", user), zap.String("code", told.Code), zap.String("reason", told.Message))
		tell(client, told)
	}
	if err != nil {
		return Secret{}, nil, err
	}
	return secret, last, nil
}
