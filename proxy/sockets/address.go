package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// filePrefix is how the name of a unix socket of Postgres starts; its port follows (manual, libpq's "host").
const filePrefix = ".s.PGSQL."

// defaultPort is in the name of a socket in a folder where no TCP address gives one.
const defaultPort = 6432

// maxPath is what Linux and macOS take as a unix socket's path, the smaller of both, without the zero at its end.
const maxPath = 103

// Address is one place to listen on.
type Address struct {
	Network string // tcp or unix
	// Address is host:port, or an absolute path: a socket's own, or a folder's, where the socket gets libpq's name with the port of the
	// first TCP address beside it.
	Address string
}

// ParseAddresses reads addresses separated by commas: host:port, or a path that begins with a slash.
func ParseAddresses(text string) ([]Address, error) {
	var all []Address
	for part := range strings.SplitSeq(text, ",") {
		a, err := parseAddress(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func parseAddress(text string) (Address, error) {
	if text == "" {
		return Address{}, errors.New("an empty address")
	}
	if strings.HasPrefix(text, "/") {
		return Address{"unix", filepath.Clean(text)}, nil
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q is neither host:port nor a path", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return Address{}, fmt.Errorf("%q has no port from 0 to 65535", text)
	}
	return Address{"tcp", text}, nil
}

// path gives the file of a unix address, whose folder may be all that is named.
func (a Address) path(port int) string {
	if strings.HasPrefix(filepath.Base(a.Address), filePrefix) {
		return a.Address
	}
	if info, err := os.Stat(a.Address); err != nil || !info.IsDir() {
		return a.Address
	}
	return filepath.Join(a.Address, filePrefix+strconv.Itoa(port))
}
