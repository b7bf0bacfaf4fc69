package conf

import (
	"reflect"
	"testing"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{"65536": 65536, "64kB": 65536, "16MB": 16 << 20, "1 GB": 1 << 30} {
		var got int
		if err := size(&got, text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"1kB", "2GB", "-1MB", "MB", "1TB", "1MBB", "99999999999GB", "16mb"} {
		var got int
		if err := size(&got, text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}

func TestLimits(t *testing.T) {
	c, err := load([]string{"serve"}, []string{home, "PGOWL_MAX_CONNECTIONS=7", "PGOWL_LOGIN_TIME=3s", "PGOWL_LOG_CONNECTIONS=on"}, false)
	if err != nil || c.MaxConnections != 7 || c.LoginTime.Seconds() != 3 || !c.LogConnections {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := load([]string{"serve"}, []string{home, "PGOWL_MAX_CONNECTIONS=-7"}, false); err == nil {
		t.Error("a number below zero was taken")
	}
}

func TestChanged(t *testing.T) {
	a, err := load([]string{"serve"}, []string{home, "PGOWL_HTTP=a:1", "PGOWL_LOG_LEVEL=debug", "PGOWL_LISTEN=a:1"}, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := load([]string{"serve", "--listen", "b:1"}, []string{home, "PGOWL_HTTP=a:1", "PGOWL_MAX_LOGINS=3"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Changed(a, b), []string{"listen", "log_level", "max_logins"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Changed(a, a); got != nil {
		t.Errorf("no change: got %v", got)
	}
}
