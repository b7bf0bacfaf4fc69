package fault

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/integration/pgtest"
)

const (
	flood    = "SELECT generate_series(1, 1000000000), repeat('x', 1000)" // a function in FROM would be gathered first
	stream   = "SELECT pgml.predict('line', ARRAY[g, 1]::real[]) FROM (SELECT generate_series(1, 1000000000) g) s"
	copyOut  = "COPY (" + flood + ") TO STDOUT"
	lockUser = "locked"
)

// phases are moments of a session's life, and how a client gets there.
var phases = []struct {
	name  string
	stack bool // it needs the stack
	reach func(t *testing.T, c *raw, url string) error
}{
	{"connected", false, func(t *testing.T, c *raw, url string) error { return nil }},
	{"half a start-up message", false, func(t *testing.T, c *raw, url string) error {
		c.say(startup(t, url, "postgres")[:11])
		return nil
	}},
	{"SSLRequest", false, func(t *testing.T, c *raw, url string) error {
		c.say([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"))
		_, err := c.Read(make([]byte, 1))
		return err
	}},
	{"start-up message", false, func(t *testing.T, c *raw, url string) error {
		c.say(startup(t, url, "postgres"))
		return nil
	}},
	{"password asked for", false, func(t *testing.T, c *raw, url string) error {
		c.say(startup(t, url, lockUser))
		return c.until('R')
	}},
	{"half of SCRAM", false, func(t *testing.T, c *raw, url string) error {
		c.say(startup(t, url, lockUser))
		if err := c.until('R'); err != nil {
			return err
		}
		c.say(bytesOf(&pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte("n,,n=,r=rOprNGfwEbeRWgbNEkqO")}))
		return c.until('R')
	}},
	{"idle", false, in("SELECT 1", 'Z')},
	{"half a message", false, func(t *testing.T, c *raw, url string) error {
		if err := in("SELECT 1", 'Z')(t, c, url); err != nil {
			return err
		}
		c.say(bytesOf(&pgproto3.Query{String: "SELECT 2"})[:8])
		return nil
	}},
	{"transaction", false, in("BEGIN; CREATE TEMP TABLE lost (a int)", 'Z')},
	{"listening", false, in("LISTEN anything", 'Z')},
	{"query", false, in(flood, 'D')},
	{"copy out", false, in(copyOut, 'd')},
	{"copy in", false, func(t *testing.T, c *raw, url string) error {
		if err := in("COPY taken FROM STDIN", 'G')(t, c, url); err != nil {
			return err
		}
		c.say(bytesOf(&pgproto3.CopyData{Data: []byte("1\n2\n3\n")})[:9])
		return nil
	}},
	{"suspended portal", false, func(t *testing.T, c *raw, url string) error {
		if err := in("BEGIN", 'Z')(t, c, url); err != nil {
			return err
		}
		c.say(bytesOf(&pgproto3.Parse{Query: flood}, &pgproto3.Bind{}, &pgproto3.Execute{MaxRows: 3}, &pgproto3.Flush{}))
		return c.until('s')
	}},
	{"pipeline", false, func(t *testing.T, c *raw, url string) error {
		if err := in("SELECT 1", 'Z')(t, c, url); err != nil {
			return err
		}
		c.say(bytesOf(&pgproto3.Parse{Query: flood}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}, &pgproto3.Query{String: "SELECT 1"}, &pgproto3.Sync{}))
		return c.until('D')
	}},
	{"stream lane", true, in(stream, 'D')},
	{"call lane", true, func(t *testing.T, c *raw, url string) error {
		if err := in("SELECT pg_backend_pid()", 'Z')(t, c, url); err != nil {
			return err
		}
		c.query(longCall)
		return nil
	}},
	{"training", true, func(t *testing.T, c *raw, url string) error {
		if err := in("SELECT 1", 'Z')(t, c, url); err != nil {
			return err
		}
		c.query(longTrain)
		return nil
	}},
}

// in logs in and runs a statement up to a message.
func in(sql string, to byte) func(*testing.T, *raw, string) error {
	return func(t *testing.T, c *raw, url string) error {
		c.say(startup(t, url, "postgres"))
		if err := c.until('Z'); err != nil {
			return err
		}
		if to == 'G' {
			c.query("CREATE TEMP TABLE taken (a int)")
			if err := c.until('Z'); err != nil {
				return err
			}
		}
		c.query(sql)
		return c.until(to)
	}
}

// lockedServer is a server with a role that needs a password.
func lockedServer(t *testing.T) *pgtest.Server {
	t.Helper()
	server := pgtest.Start(t, pgtest.HBA("host all "+lockUser+" 127.0.0.1/32 scram-sha-256"))
	conn := connect(t, server.URL("postgres"))
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), "CREATE ROLE "+lockUser+" LOGIN PASSWORD 'hunter2'"); err != nil {
		t.Fatal(err)
	}
	return server
}

// site is a server, and a PgOwl process before it.
func site(t *testing.T, stack bool, env ...string) (*owl, *pgtest.Server) {
	t.Helper()
	server := lockedServer(t)
	url := server.Database(t)
	if !stack {
		env = append(env, "PGOWL_SERVICE=")
	}
	o := launch(t, url, env...)
	if stack {
		prepare(t, through(url, o.sql))
		if err := works(connect(t, through(url, o.sql))); err != nil {
			t.Fatal(err)
		}
	}
	return o, server
}

// Clients that die at any moment of a session, kindly or not, leave nothing behind.
func TestDeaths(t *testing.T) {
	t.Parallel()
	for name, stack := range map[string]bool{"wire": false, "stack": true} {
		t.Run(name, func(t *testing.T) {
			allowed := wireSlack
			if stack {
				allowed = stackSlack
			}
			o, _ := site(t, stack)
			before := o.read(t)
			for _, phase := range phases {
				if phase.stack && !stack {
					continue
				}
				t.Run(phase.name, func(t *testing.T) {
					for _, reset := range []bool{false, true} {
						var wait sync.WaitGroup
						for range 4 {
							c := dial(t, o.sql)
							wait.Go(func() {
								if err := phase.reach(t, c, o.direct); err != nil {
									t.Error(err)
								}
								if reset {
									c.reset()
								} else {
									c.Close()
								}
							})
						}
						wait.Wait()
					}
					await(t, o.direct, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1", mark)
				})
			}
			o.settles(t, before, allowed)
		})
	}
}
