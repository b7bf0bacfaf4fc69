//go:build !linux

package proxy

import "errors"

// newLoops: epoll is Linux's.
func newLoops(int) ([]driver, error) {
	return nil, errors.New("there are no loops on this system")
}
