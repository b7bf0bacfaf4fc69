package pgtest

import (
	"strings"
	"testing"
	"time"
)

func TestLeaked(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		<-stop
	}()
	if got := leaked(0, []string{"no/such/package", "integration/pgtest.TestLeaked"}); !strings.Contains(got, "TestLeaked.func1") {
		t.Errorf("a goroutine that goes on is not found: %q", got)
	}
	if got := leaked(0, []string{"no/such/package"}); got != "" {
		t.Errorf("somebody else's goroutines are found: %q", got)
	}
	close(stop)
	<-ended
	if got := leaked(5*time.Second, []string{"pgtest.TestLeaked.func1"}); got != "" {
		t.Errorf("a goroutine that has ended is found: %q", got)
	}
}
