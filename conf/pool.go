package conf

import (
	"fmt"
	"strconv"
	"time"
)

// poolSize reads a number of connections.
func poolSize(to *int, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 100_000 {
		return fmt.Errorf("%q is no number from 1 to 100000", text)
	}
	*to = n
	return nil
}

// duration reads a duration above zero, such as 90s or 10m.
func duration(to *time.Duration, text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time above zero, such as 90s or 10m", text)
	}
	*to = d
	return nil
}
