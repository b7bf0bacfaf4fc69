package main

import (
	"fmt"
	"time"
)

// Aims for what is no ratio to a peer.
const (
	embedSessions    = 32
	embedSessionsAim = 0.7                    // of the rate of one statement
	embedLatencyAim  = 300 * time.Microsecond // more than the engine alone
)

func (e *embedding) find(name string) *contestant {
	for _, c := range e.contest {
		if c.name == name {
			return c
		}
	}
	return nil
}

// rates says how fast a contestant was, by the median of the rounds.
func (e *embedding) rates(all []embedTime) string {
	var seconds, cpu, server, tokenizing []float64
	for _, t := range all {
		seconds, cpu, server, tokenizing = append(seconds, t.Seconds), append(cpu, t.CPU), append(server, t.Server), append(tokenizing, t.Tokenizing)
	}
	n := float64(len(e.texts))
	s := median(seconds)
	text := fmt.Sprintf("%6.0f texts/s  %6.0f tokens/s  %7.0f µs of the processors a text", n/s, float64(e.tokens)/s, median(cpu)/n*1e6)
	if m := median(server); m > 0 {
		text += fmt.Sprintf(", Postgres %.0f", m/n*1e6)
	}
	if t := median(tokenizing); t > 0 {
		text += fmt.Sprintf("; without tokenizing %.0f texts/s", n/(s-t))
	}
	return text
}

// judge prints a line for each aim. own is PgOwl's own part of a text's time.
func (e *embedding) judge(own string) {
	for _, p := range precisions {
		us := e.find("PgOwl " + p.name)
		if us == nil {
			continue
		}
		if c := e.find(p.rival); c != nil {
			e.compare(us, c, p.aim)
		}
		for _, name := range peersOf(precisions[0]) {
			if c := e.find(name); c != nil && p.others[name] > 0 {
				e.compare(us, c, p.others[name])
			}
		}
	}
	if us, c := e.find(sessionsName), e.find("PgOwl fp32"); us != nil && c != nil {
		e.compare(us, c, embedSessionsAim)
	}
	if own != "" {
		line("one headline, PgOwl's own part", "%s", own)
	}
	if us, c := e.find("PgOwl fp32"), e.find(engineName); us != nil && c != nil {
		e.compare(us, c, 0)
	}
}

func (e *embedding) compare(us, other *contestant, aim float64) {
	var seconds, cpu, alone []float64
	for i, u := range us.all {
		o := other.all[i]
		seconds, cpu, alone = append(seconds, o.Seconds/u.Seconds), append(cpu, o.CPU/u.CPU), append(alone, (o.Seconds-o.Tokenizing)/u.Seconds)
	}
	text := fmt.Sprintf("%.2f", median(seconds))
	if aim > 0 {
		text += fmt.Sprintf(" (aim %.2f)", aim)
	}
	if other.all[0].Tokenizing > 0 {
		text += fmt.Sprintf("  without its tokenizing %.2f", median(alone))
	}
	line(us.name+" / "+other.name, "%s  by processor time %.2f", text, median(cpu))
}
