package embedded

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating-system user that a server runs as. Postgres refuses root, so a process of root lends it another one.
type account struct {
	name     string
	uid, gid uint32
	switches bool // the process is root and has to change
}

// accountFor gives the user for a data directory: the process's own, or, for root, the directory's owner when it exists
// already, else postgres, else nobody.
func accountFor(dir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: strconv.Itoa(os.Geteuid()), uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	if info, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return account{name: strconv.Itoa(int(st.Uid)), uid: st.Uid, gid: st.Gid, switches: true}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{name: name, uid: uint32(uid), gid: uint32(gid), switches: true}, nil
		}
	}
	return account{}, fmt.Errorf("Postgres cannot run as root, and there is no user postgres or nobody")
}

// attributes are for a process that runs as the account.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C on the terminal is ours to pass on, once the clients are gone
	if a.switches {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// give makes path the account's.
func (a account) give(path string) error {
	if !a.switches {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reaches says which folder on the way to path the account may not enter, if any.
func (a account) reaches(path string) error {
	if !a.switches {
		return nil
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		mode := info.Mode().Perm()
		switch {
		case !ok:
		case st.Uid == a.uid && mode&0o100 != 0:
		case st.Uid != a.uid && st.Gid == a.gid && mode&0o010 != 0:
		case st.Uid != a.uid && st.Gid != a.gid && mode&0o001 != 0:
		default:
			return fmt.Errorf("user %s, whom Postgres runs as because this process is root, may not enter %s: choose another data folder", a.name, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
