package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/exec/catalog"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/mailbox"
	"github.com/pgowl/pgowl/integration/pgtest"
	"go.uber.org/zap"
)

// TestMain fails when a goroutine of a call's or of a mailbox's outlives the tests.
func TestMain(m *testing.M) { pgtest.MainLeaks(m, nil, "pgowl/exec/call", "pgowl/exec/mailbox") }

// lane is a database with the catalog, and a call lane without a proxy: sessions give their notices to a handler themselves.
type testLane struct {
	*Lane
	url string
}

func newLane(tb testing.TB, boxes int, functions map[string]Func) *testLane {
	tb.Helper()
	ctx := context.Background()
	l := &testLane{url: pgtest.Database(tb)}
	conn, err := pgx.Connect(ctx, l.url)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := catalog.Migrate(ctx, conn, zap.NewNop()); err != nil {
		tb.Fatal(err)
	}
	l.Lane = &Lane{Functions: functions, Log: zap.NewNop()}
	if err := conn.QueryRow(ctx, "SELECT key FROM pgowl.secret").Scan(&l.Key); err != nil {
		tb.Fatal(err)
	}
	l.Mail = mailbox.New(func(ctx context.Context) (*pgconn.PgConn, error) {
		c, err := pgconn.ParseConfig(l.url)
		if err != nil {
			return nil, err
		}
		c.RuntimeParams["application_name"] = "pgowl:proxy"
		return pgconn.ConnectConfig(ctx, c)
	}, boxes)
	if err := l.Mail.Warm(ctx); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.Mail.Close)
	return l
}

type noClient struct{}

func (noClient) SendMessage(function.Severity, string) {}
func (noClient) ServerVersion() int                    { return 150000 }

// session opens a session whose calls a handler serves.
func (l *testLane) session(tb testing.TB) *pgx.Conn {
	tb.Helper()
	config, err := pgx.ParseConfig(l.url)
	if err != nil {
		tb.Fatal(err)
	}
	config.RuntimeParams["pgowl.session"] = Token(l.Key, "proxy", "session")
	var h *Handler
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.Code == Code && !h.Message(n.Message, n.Detail) {
			tb.Errorf("a request was not believed: %s", n.Message)
		}
	}
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		tb.Fatal(err)
	}
	h = NewHandler(l.Lane, conn.PgConn().PID(), noClient{})
	tb.Cleanup(func() {
		conn.Close(context.Background())
		h.Close()
		if h.Busy() {
			tb.Error("a call is still under way")
		}
	})
	return conn
}

// long answers with a text of the length that its argument asks for, in which every place is told from its neighbours.
func long(_ context.Context, _ function.Session, args [][]byte) (string, error) {
	n := 0
	if _, err := fmt.Sscan(string(args[0]), &n); err != nil {
		return "", err
	}
	return pattern(n), nil
}

func pattern(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i*7)
	}
	return b.String()[:n]
}

// TestAnswersOfAnyLengthArriveWhole: as one text, spread over several backends, piece by piece or by table; also where the
// snapshot stands still and where nothing may be written, and where there are too few backends to spread over.
func TestAnswersOfAnyLengthArriveWhole(t *testing.T) {
	for _, boxes := range []int{1, 4, 16} {
		l := newLane(t, boxes, map[string]Func{"long": long})
		c := l.session(t)
		for _, begin := range []string{"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"} {
			if _, err := c.Exec(context.Background(), begin); err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 900, 970, 971, 972, 973, 974, 975, 976, 977, 978, 979, 980, 1023, 1024, 1950, 4200, 8700, 8800, 9900, 30000} {
				var got string
				err := c.QueryRow(context.Background(), "SELECT pgowl.call('long', ARRAY[convert_to($1::int::text, 'UTF8')])", n).Scan(&got)
				if err != nil {
					t.Fatalf("%d boxes, %s, %d bytes: %v", boxes, begin, n, err)
				}
				if want := pattern(n); got != want {
					t.Errorf("%d boxes, %s, %d bytes: %d came", boxes, begin, n, len(got))
				}
			}
			if _, err := c.Exec(context.Background(), "COMMIT"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestManySessionsShareTheBoxes: each gets its own answers, long and short ones, and nobody waits for ever: what one has read is
// free for the others, although its transaction goes on.
func TestManySessionsShareTheBoxes(t *testing.T) {
	l := newLane(t, 6, map[string]Func{"long": long})
	var wait sync.WaitGroup
	for s := range 8 {
		c := l.session(t)
		wait.Add(1)
		go func() {
			defer wait.Done()
			if _, err := c.Exec(context.Background(), "BEGIN"); err != nil {
				t.Error(err)
				return
			}
			for i := range 30 {
				n := 1 + (s*131+i*977)%5000
				var got string
				if err := c.QueryRow(context.Background(), "SELECT pgowl.call('long', ARRAY[convert_to($1::int::text, 'UTF8')])", n).Scan(&got); err != nil {
					t.Error(err)
					return
				}
				if got != pattern(n) {
					t.Errorf("session %d, %d bytes: %d came", s, n, len(got))
				}
			}
		}()
	}
	wait.Wait()
}

// TestALostBackendIsReplaced: the service backends may be ended at any time; the next answers go by others.
func TestALostBackendIsReplaced(t *testing.T) {
	l := newLane(t, 8, map[string]Func{"long": long})
	c := l.session(t)
	for range 3 {
		var n int
		var got string
		if err := c.QueryRow(context.Background(), "SELECT pgowl.call('long', ARRAY[convert_to('4000', 'UTF8')])").Scan(&got); err != nil || got != pattern(4000) {
			t.Fatalf("%v, %d bytes", err, len(got))
		}
		if err := c.QueryRow(context.Background(), "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgowl:proxy' AND datname = current_database()").Scan(&n); err != nil || n == 0 {
			t.Fatalf("%v, %d ended", err, n)
		}
		for deadline := time.Now().Add(5 * time.Second); n > 0; {
			if err := c.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgowl:proxy' AND datname = current_database()").Scan(&n); err != nil || time.Now().After(deadline) {
				t.Fatalf("%v, %d still there", err, n)
			}
		}
	}
}

// TestALostAnswerIsGivenAgain: the answer cannot be shown at first, or only a part of it; the reader asks for it again.
func TestALostAnswerIsGivenAgain(t *testing.T) {
	l := newLane(t, 2, map[string]Func{"long": long})
	good := l.Mail
	failures := 0
	l.Mail = mailbox.New(func(ctx context.Context) (*pgconn.PgConn, error) {
		if failures++; failures <= 1 {
			return nil, errors.New("no connection this time")
		}
		c, err := pgconn.ParseConfig(l.url)
		if err != nil {
			return nil, err
		}
		c.RuntimeParams["application_name"] = "pgowl:proxy"
		return pgconn.ConnectConfig(ctx, c)
	}, 1)
	t.Cleanup(l.Mail.Close)
	defer good.Close()
	c := l.session(t)
	for _, n := range []int{10, 4000} {
		var got string
		if err := c.QueryRow(context.Background(), "SELECT pgowl.call('long', ARRAY[convert_to($1::int::text, 'UTF8')])", n).Scan(&got); err != nil || got != pattern(n) {
			t.Errorf("%d bytes: %v, %d came", n, err, len(got))
		}
	}
	if failures < 2 {
		t.Error("the connection did not fail, so nothing was shown")
	}
}

// deaf is a connection that ends in the middle of its first order: that has gone out, and how it went does not come back.
type deaf struct {
	net.Conn
	told bool
	once sync.Once
	wait func()
}

func (d *deaf) Write(b []byte) (int, error) {
	d.told = d.told || strings.Contains(string(b), "nextval")
	return d.Conn.Write(b)
}

func (d *deaf) Read(b []byte) (int, error) {
	if d.told {
		d.once.Do(d.wait)
		return 0, io.EOF
	}
	return d.Conn.Read(b)
}

// TestAnOrderIsCarriedOutOnce: the mailbox is lost after the order has been read in it, and before the proxy knows that.
func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	l := newLane(t, 1, map[string]Func{"once": func(ctx context.Context, s function.Session, _ [][]byte) (string, error) {
		rows, err := s.Query(ctx, function.Owner, "SELECT nextval('public.orders') AS n", nil)
		return string(rows), err
	}})
	c, direct := l.session(t), l.session(t)
	if _, err := direct.Exec(context.Background(), "CREATE SEQUENCE orders"); err != nil {
		t.Fatal(err)
	}
	good, boxes := l.Mail, 0
	l.Mail = mailbox.New(func(ctx context.Context) (*pgconn.PgConn, error) {
		c, err := pgconn.ParseConfig(l.url)
		if err != nil {
			return nil, err
		}
		c.RuntimeParams["application_name"] = "pgowl:proxy"
		if boxes++; boxes > 1 {
			return pgconn.ConnectConfig(ctx, c)
		}
		c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &deaf{Conn: conn, wait: func() {
				for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
					var called bool
					if err := direct.QueryRow(context.Background(), "SELECT is_called FROM orders").Scan(&called); err != nil || called {
						return
					}
				}
			}}, err
		}
		return pgconn.ConnectConfig(ctx, c)
	}, 1)
	t.Cleanup(l.Mail.Close)
	defer good.Close()
	var got string
	if err := c.QueryRow(context.Background(), "SELECT pgowl.call('once', '{}')").Scan(&got); err != nil || got != `[{"n":1}]` {
		t.Errorf("%s, %v", got, err)
	}
	var last int
	if err := direct.QueryRow(context.Background(), "SELECT last_value FROM orders").Scan(&last); err != nil || last != 1 || boxes != 2 {
		t.Errorf("carried out %d times, %d mailboxes, %v", last, boxes, err)
	}
}

// TestPiecesAreNotMixedUp: while an answer is shown again, a piece may stand in two backends and another in none.
func TestPiecesAreNotMixedUp(t *testing.T) {
	l := newLane(t, 1, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	config, err := pgx.ParseConfig(l.url)
	if err != nil {
		t.Fatal(err)
	}
	var boxes [3]*pgx.Conn
	for i := range boxes {
		if boxes[i], err = pgx.ConnectConfig(ctx, config.Copy()); err != nil {
			t.Fatal(err)
		}
		defer boxes[i].Close(context.Background())
	}
	show := func(box int, text string) {
		if _, err := boxes[box].PgConn().Exec(ctx, text).ReadAll(); err != nil {
			t.Error(err)
		}
	}
	config.RuntimeParams["pgowl.session"] = Token(l.Key, "proxy", "session")
	asked := 0
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		words := strings.Split(n.Message, " ")
		mark := "--" + words[0] + words[3]
		switch words[4] {
		case "call":
			show(0, mark+"/2:two,")
			show(1, mark+"/2:two,")
			show(2, mark+":0:&3Vone,")
		case "again":
			switch asked++; asked {
			case 1:
				show(0, mark+"/3:three")
			case 2:
				show(2, mark+":0:.Vone piece")
			}
		}
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	for _, want := range []string{"one,two,three", "one piece"} { // the second time, the answer comes another way when it is shown again
		var got string
		if err := c.QueryRow(ctx, "SELECT pgowl.call('any', '{}')").Scan(&got); err != nil || got != want || asked == 0 {
			t.Errorf("%q, want %q, asked again %d times, %v", got, want, asked, err)
		}
	}
}

// TestALostReplyIsGivenAgain: the row that a mailbox tells of is not there when the reader looks.
func TestALostReplyIsGivenAgain(t *testing.T) {
	l := newLane(t, 1, map[string]Func{"long": long})
	c := l.session(t)
	for _, sql := range []string{
		"CREATE SEQUENCE replied",
		"CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN nextval('public.replied') > 1 THEN NEW END; END $$",
		"CREATE TRIGGER lose BEFORE INSERT ON pgowl.replies FOR EACH ROW EXECUTE FUNCTION lose()",
	} {
		if _, err := c.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	var replied int
	err := c.QueryRow(context.Background(), "SELECT pgowl.call('long', ARRAY[convert_to('40000', 'UTF8')])").Scan(&got)
	if err != nil || got != pattern(40000) {
		t.Errorf("%v, %d came", err, len(got))
	}
	if err := c.QueryRow(context.Background(), "SELECT last_value FROM replied").Scan(&replied); err != nil || replied < 2 {
		t.Errorf("%v, replied %d times", err, replied)
	}
}

// TestAFunctionThatFailsInsideAStream: it panics at the first piece, while the database goes on sending; the statement fails and the
// session lives.
func TestAFunctionThatFailsInsideAStream(t *testing.T) {
	l := newLane(t, 4, map[string]Func{"train": func(ctx context.Context, s function.Session, _ [][]byte) (string, error) {
		return "", s.Stream(ctx, function.Caller, "SELECT decode(repeat('ab', 20000), 'hex') FROM generate_series(1, 20)", func([]byte) error {
			panic("on purpose")
		})
	}})
	c := l.session(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := c.Exec(ctx, "SELECT * FROM pgml.train('p')")
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "XX000" || pg.Message != "pgml.train failed inside PgOwl" {
		t.Errorf("got %v", err)
	}
	if _, err := c.Exec(ctx, "SELECT 1"); err != nil {
		t.Error(err)
	}
}

// BenchmarkCall measures calls from PL/pgSQL: one session, short and long answers.
func BenchmarkCall(b *testing.B) {
	l := newLane(b, 16, map[string]Func{"long": long})
	c := l.session(b)
	for _, n := range []int{10, 4200} {
		b.Run(fmt.Sprintf("%d bytes", n), func(b *testing.B) {
			_, err := c.Exec(context.Background(), fmt.Sprintf(
				"DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM pgowl.call('long', ARRAY[convert_to('%d', 'UTF8')]); END LOOP; END $$", b.N, n))
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
