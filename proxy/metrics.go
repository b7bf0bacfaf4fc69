package proxy

import (
	"github.com/pgowl/pgowl/parser"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what goes through. Names follow the Postgres exporters.
type metrics struct {
	sessions   prometheus.Gauge
	statements *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		sessions:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "pgowl_sessions", Help: "Client connections."}),
		statements: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pgowl_statements_total", Help: "Statements that name PgOwl's functions, by lane."}, []string{"lane"}),
	}
	if r != nil {
		r.MustRegister(m.sessions, m.statements)
	}
	return m
}

func (m *metrics) statement(l parser.Lane) { m.statements.WithLabelValues(l.String()).Inc() }
