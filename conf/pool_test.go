package conf

import (
	"testing"
	"time"
)

func TestPool(t *testing.T) {
	c, err := load([]string{"serve", "--pool", "transaction", "--pool-size=5"}, []string{home, "PGOWL_POOL_IDLE=90s", "PGOWL_POOL_WAIT=500ms"}, false)
	if err != nil || c.Pool != "transaction" || c.PoolSize != 5 || c.PoolIdle != 90*time.Second || c.PoolWait != 500*time.Millisecond {
		t.Errorf("got %q %d %v %v, %v", c.Pool, c.PoolSize, c.PoolIdle, c.PoolWait, err)
	}
	for env, want := range map[string]string{
		"PGOWL_POOL=sometimes": `PGOWL_POOL: "sometimes" is none of none, session, transaction`,
		"PGOWL_POOL_SIZE=0":    `PGOWL_POOL_SIZE: "0" is no number from 1 to 100000`,
		"PGOWL_POOL_IDLE=-1s":  `PGOWL_POOL_IDLE: "-1s" is no time above zero, such as 90s or 10m`,
		"PGOWL_POOL_WAIT=5":    `PGOWL_POOL_WAIT: "5" is no time above zero, such as 90s or 10m`,
	} {
		if _, err := load([]string{"serve"}, []string{home, env}, false); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", env, err, want)
		}
	}
}
