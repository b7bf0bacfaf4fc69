package main

import (
	"time"
)

// look is what the processes of a measurement had used at a moment.
type look struct {
	at      time.Time
	proxy   map[int]spent
	client  map[int]spent
	server  map[int]spent
	machine time.Duration
}

// watch looks at the processes four times a second until done is closed. proxy is 0 where there is none.
func watch(done <-chan struct{}, proxy, client, server int) []look {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	var list []look
	for {
		select {
		case <-done:
			return list
		case <-tick.C:
		}
		l := look{at: time.Now(), client: threads(client), server: family(server), machine: busy()}
		if proxy != 0 {
			l.proxy = threads(proxy)
		}
		list = append(list, l)
	}
}

// cost is what a transaction took of the machine.
type cost struct {
	proxy    float64 // µs of processor time
	switches float64 // context switches of the proxy
	all      float64 // µs of processor time of proxy, client and server together
	others   float64 // processors that something else kept busy meanwhile
}

// costs relates what was used between the first and the last look of the run to the transactions that ended in this time: connecting,
// which comes before, does not count.
func costs(list []look, run []transaction) (c cost, ok bool) {
	if len(run) == 0 {
		return c, false
	}
	begin, end := run[0].ended, run[0].ended
	for _, t := range run {
		if t.ended.Before(begin) {
			begin = t.ended
		}
		if t.ended.After(end) {
			end = t.ended
		}
	}
	for len(list) > 0 && list[0].at.Before(begin) {
		list = list[1:]
	}
	for len(list) > 0 && list[len(list)-1].at.After(end) {
		list = list[:len(list)-1]
	}
	if len(list) < 2 {
		return c, false
	}
	first, last := list[0], list[len(list)-1]
	n := 0.0
	for _, t := range run {
		if t.ended.After(first.at) && !t.ended.After(last.at) {
			n++
		}
	}
	if n == 0 {
		return c, false
	}
	proxy, client, server := since(first.proxy, last.proxy), since(first.client, last.client), since(first.server, last.server)
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	all := proxy.cpu + client.cpu + server.cpu
	c = cost{proxy: us(proxy.cpu) / n, switches: float64(proxy.switches) / n, all: us(all) / n}
	c.others = max(0, float64(last.machine-first.machine-all)/float64(last.at.Sub(first.at)))
	return c, true
}
