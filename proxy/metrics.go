package proxy

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/pgowl/pgowl/parser"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what goes through. Names follow the Postgres exporters. What is counted by message is counted in the sessions' meters,
// and collected from there.
type metrics struct {
	errors      *prometheus.CounterVec
	connections prometheus.Counter
	refused     *prometheus.CounterVec

	lanes [parser.Extension + 1]struct { // statements that name our functions
		executed atomic.Uint64
		times    histogram
	}

	mu    sync.Mutex
	codes map[string]bool // SQLSTATEs that have a label
	ended meter           // sums of the sessions that have ended
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		codes: map[string]bool{},
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pgowl_errors_total",
			Help: "Errors that were sent to clients, by SQLSTATE; rare ones beyond the first few hundred are \"other\"."}, []string{"sqlstate"}),
		connections: prometheus.NewCounter(prometheus.CounterOpts{Name: "pgowl_connections_total", Help: "Client connections that were accepted."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pgowl_connections_refused_total",
			Help: "Client connections that were refused, by reason."}, []string{"reason"}),
	}
	if r != nil {
		r.MustRegister(m.errors, m.connections, m.refused)
	}
	return m
}

// statement counts one that is executed.
func (m *metrics) statement(l parser.Lane) { m.lanes[l].executed.Add(1) }

// maxCodes is how many SQLSTATEs get a label of their own: Postgres has some 260, and users can raise what they like.
const maxCodes = 400

// failed counts an ErrorResponse by its SQLSTATE.
func (m *metrics) failed(body []byte) {
	code := sqlState(body)
	m.mu.Lock()
	if !m.codes[code] {
		if len(m.codes) < maxCodes {
			m.codes[code] = true
		} else {
			code = "other"
		}
	}
	m.mu.Unlock()
	m.errors.WithLabelValues(code).Inc()
}

// sqlState finds the code in an ErrorResponse's body.
func sqlState(body []byte) string {
	for len(body) > 1 {
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			break
		}
		if body[0] == 'C' && end == 5 {
			return string(bytes.ToValidUTF8(body[1:6], []byte("?")))
		}
		body = body[end+2:]
	}
	return "none"
}

// collector gives what the sessions' meters say. It is registered apart from the rest, since it needs the server.
type collector struct{ p *Server }

var (
	descSessions   = prometheus.NewDesc("pgowl_sessions", "Client connections by state.", []string{"state"}, nil)
	descBytes      = prometheus.NewDesc("pgowl_bytes_total", "Bytes that were read from clients and from servers.", []string{"direction"}, nil)
	descStatements = prometheus.NewDesc("pgowl_statements_total",
		"Statements that were executed (messages Query and Execute) by lane: pass is what was forwarded as it is, the others name PgOwl's functions. "+
			"A prepared statement of lane call counts there when it is executed right behind its Parse, and as pass later.", []string{"lane"}, nil)
	descDuration = prometheus.NewDesc("pgowl_statement_duration_seconds",
		"Time from a statement to ReadyForQuery, by lane. What is pipelined up to a Sync is one duration, in the lane of its last statement that names PgOwl's functions; so is a Parse alone.", []string{"lane"}, nil)
	descUp      = prometheus.NewDesc("pgowl_upstream_up", "Whether the last try to connect to a server of the upstream succeeded.", []string{"host"}, nil)
	descStandby = prometheus.NewDesc("pgowl_upstream_in_recovery", "Whether a server of the upstream is a standby, where that is known.", []string{"host"}, nil)
)

// states are those that pgowl_sessions always has.
var states = []string{"logging in", "active", "idle", "idle in transaction", "idle in transaction (aborted)"}

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSessions, descBytes, descStatements, descDuration, descUp, descStandby} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	p := c.p
	counts := map[string]int{}
	var sum meter
	p.mu.Lock()
	p.metrics.mu.Lock()
	sum.add(&p.metrics.ended)
	p.metrics.mu.Unlock()
	for _, s := range p.conns {
		if s == nil {
			counts["logging in"]++
			continue
		}
		counts[s.meter.state()]++
		sum.add(&s.meter)
	}
	p.mu.Unlock()
	for _, state := range states {
		to <- prometheus.MustNewConstMetric(descSessions, prometheus.GaugeValue, float64(counts[state]), state)
	}
	to <- prometheus.MustNewConstMetric(descBytes, prometheus.CounterValue, float64(sum.fromClient.Load()), "from_client")
	to <- prometheus.MustNewConstMetric(descBytes, prometheus.CounterValue, float64(sum.fromServer.Load()), "from_server")
	statements := func(lane string, n uint64, times *histogram) {
		to <- prometheus.MustNewConstMetric(descStatements, prometheus.CounterValue, float64(n), lane)
		below, total := map[float64]uint64{}, uint64(0)
		for i, b := range buckets {
			total += times.counts[i].Load()
			below[b.Seconds()] = total
		}
		total += times.counts[len(buckets)].Load()
		to <- prometheus.MustNewConstHistogram(descDuration, total, float64(times.sum.Load())/1e9, below, lane)
	}
	statements("pass", sum.passed.Load(), &sum.times)
	for lane := range p.metrics.lanes {
		l := &p.metrics.lanes[lane]
		statements(parser.Lane(lane).String(), l.executed.Load(), &l.times)
	}
	for _, h := range p.front().hosts {
		if state := h.state.Load(); state != hostUntried {
			up := 0.0
			if state == hostUp {
				up = 1
			}
			to <- prometheus.MustNewConstMetric(descUp, prometheus.GaugeValue, up, h.address)
		}
		if r, known := h.knownRole(); known {
			in := 0.0
			if r.standby {
				in = 1
			}
			to <- prometheus.MustNewConstMetric(descStandby, prometheus.GaugeValue, in, h.address)
		}
	}
}
