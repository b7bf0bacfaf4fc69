//go:build !linux

package text

import "errors"

var errNoCUDA = errors.New("CUDA is for Linux alone")

// cudaDriver is NVIDIA's driver, which there is none of here.
type cudaDriver struct{ count int }

func openDriver(string) (*cudaDriver, error) { return nil, errNoCUDA }

func (*cudaDriver) describe(int) (string, int64, error) { return "", 0, errNoCUDA }
func (*cudaDriver) used(int) (int64, error)             { return 0, errNoCUDA }

func preload(string) error { return errNoCUDA }
