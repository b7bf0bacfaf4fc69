package pool

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what the pool does. Names follow the exporters of other poolers.
type metrics struct {
	opened, closed, timeouts, pins atomic.Int64
	lent                           atomic.Int64
}

func (m *metrics) init(r prometheus.Registerer, p *Pool) {
	if r == nil {
		return
	}
	counter := func(name, help string, v *atomic.Int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(v.Load()) }))
	}
	counter("pgowl_pool_servers_opened_total", "Server connections that the pool has opened.", &m.opened)
	counter("pgowl_pool_servers_closed_total", "Server connections that the pool has closed.", &m.closed)
	counter("pgowl_pool_wait_timeouts_total", "Clients that were refused since no server connection became free in time.", &m.timeouts)
	counter("pgowl_pool_pins_total", "Sessions that had to keep their server connection, in transaction mode.", &m.pins)
	gauge := func(name, help string, v func(Stats) int) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(v(p.Stats())) }))
	}
	gauge("pgowl_pool_servers", "Server connections of the pool.", func(s Stats) int { return s.Servers })
	gauge("pgowl_pool_servers_idle", "Server connections of the pool that nobody has.", func(s Stats) int { return s.Idle })
	gauge("pgowl_pool_waiting", "Clients that wait for a server connection.", func(s Stats) int { return s.Waiting })
}

// Stats is how a pool stands.
type Stats struct {
	Servers int   // open server connections, and those that are being opened
	Idle    int   // of them, those that nobody has
	Waiting int   // clients that wait for one
	Opened  int64 // server connections so far
	Pins    int64 // sessions so far that had to keep their server connection, in transaction mode
}

// Stats tells how the pool stands.
func (p *Pool) Stats() Stats {
	st := Stats{Opened: p.metrics.opened.Load(), Pins: p.metrics.pins.Load()}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.groups {
		g.mu.Lock()
		st.Servers += g.total
		st.Idle += len(g.idle)
		st.Waiting += len(g.waiting)
		g.mu.Unlock()
	}
	return st
}
