package proxy

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/train"
	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// A statement that does nothing but train reads its relation through SQL, which costs the server several times what a COPY does. So the relation is read
// by COPY before, behind the statement's Bind and in front of its Execute: on the client's own connection, and so in its transaction, with its rights and
// its settings. The call that the statement makes finds the rows there.
//
// Outside a transaction block all that is one implicit transaction, up to the client's Sync. An error of the COPY is the statement's, which would have met
// it, too: the client gets it as the answer to Execute, and the server skips what follows.

// Names of what the server has for a moment.
const (
	trainName   = "pgowl:train"
	mayName     = "pgowl:may"
	argsName    = "pgowl:arguments"
	columnsName = "pgowl:columns"
	copyName    = "pgowl:copy"
)

const oidJSONB = 3802

// trainQuery answers a simple query that trains, by the extended protocol.
func (s *session) trainQuery(p *parser.Plan, message []byte) error {
	before, err := s.drain()
	if err != nil {
		return err
	}
	if before.skipping || before.copying || before.tx == 'E' || !s.clean() {
		return s.pass('Q', message)
	}
	bind := &pgproto3.Bind{PreparedStatement: trainName}
	described := &passedOn{private: newPrivate()}
	messages := encode(
		&pgproto3.Close{ObjectType: 'S'}, // as a Query does
		&pgproto3.Close{ObjectType: 'S', Name: trainName},
		&pgproto3.Parse{Name: trainName, Query: p.Text(nil)},
		bind,
		&pgproto3.Describe{ObjectType: 'P'})
	if err := s.send(append(messages, flushMessage...), entry{protocol.ForClose, newPrivate()}, entry{protocol.ForClose, newPrivate()}, entry{protocol.ForParse, errorSink{}},
		entry{protocol.ForBind, errorSink{}}, entry{protocol.ForDescribe, described}); err != nil {
		return err
	}
	if err := s.wait(described.private); err != nil {
		return err
	}
	if len(described.fields) > 0 {
		if err := s.readAhead(&statement{plan: p}, bind); err != nil {
			return err
		}
	}
	last := encode(&pgproto3.Execute{}, &pgproto3.Close{ObjectType: 'P'}, &pgproto3.Close{ObjectType: 'S', Name: trainName}, &pgproto3.Sync{})
	return s.send(last, entry{protocol.ForExecute, &trainSink{s}}, entry{protocol.ForClose, newPrivate()}, entry{protocol.ForClose, newPrivate()},
		entry{kind: protocol.ForSync})
}

// passedOn is a private whose messages the client gets.
type passedOn struct{ *private }

func (p *passedOn) message(typ byte, body []byte) bool {
	p.private.message(typ, body)
	return true
}

// trainSink drops what was read for a statement when that is over.
type trainSink struct{ s *session }

func (*trainSink) message(byte, []byte) bool { return true }

func (t *trainSink) over() {
	if calls := t.s.calls.Load(); calls != nil {
		calls.SetAhead(nil)
	}
}

// trainPortal executes a portal that trains, the first time.
func (s *session) trainPortal(p *portal, message []byte) error {
	bind := p.bind
	p.bind = nil
	before, err := s.drain()
	if err != nil {
		return err
	}
	if before.skipping || before.copying || before.tx == 'E' {
		return s.pass('E', message)
	}
	if err := s.readAhead(p.statement, bind); err != nil {
		return err
	}
	return s.send(message, entry{protocol.ForExecute, &trainSink{s}})
}

// readAhead reads what a training that has been bound will read, as far as that can be told beforehand. Where it fails, the client has been told, and
// the server skips what comes up to a Sync.
func (s *session) readAhead(st *statement, bind *pgproto3.Bind) error {
	ok, canceled := false, false
	err := s.operate(true, func(ctx context.Context) (err error) {
		var ahead *train.Ahead
		if ahead, ok, err = s.lookAhead(ctx, st, bind); ahead != nil && ctx.Err() == nil {
			defer s.report(ahead)()
			if ok, err = s.ask(ctx, copyName, ahead.SQL(), nil, &pgproto3.Bind{}, ahead.Write); ok {
				s.calls.Load().SetAhead(ahead)
			}
		}
		canceled = context.Cause(ctx) == errCanceled
		return err
	})
	if err == nil && ok && canceled {
		err = s.failStatement(errCanceled)
	}
	return err
}

// progressEvery is how often a client that waits for a COPY of ours is told how far it is, as often as of a fit.
const progressEvery = 5 * time.Second

// report tells the client how far reading is, until stop is called.
func (s *session) report(ahead *train.Ahead) (stop func()) {
	over, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				s.SendMessage(function.Notice, ahead.Progress())
			}
		}
	}()
	return func() {
		close(over)
		<-told
	}
}

// lookAhead asks the server what a training will read; ahead is nil where that cannot be told. ok is false where the server failed.
func (s *session) lookAhead(ctx context.Context, st *statement, bind *pgproto3.Bind) (ahead *train.Ahead, ok bool, err error) {
	var value []byte
	keep := func(v []byte) { value = slices.Clone(v) }
	if ok, err = s.ask(ctx, mayName, exec.MayLookAhead(st.plan.Training), nil, &pgproto3.Bind{}, keep); !ok || string(value) != "t" {
		return nil, ok, err
	}
	if ok, err = s.ask(ctx, argsName, exec.AheadSQL(st.plan.Training), st.oids, bind, keep); !ok {
		return nil, ok, err
	}
	if ahead = s.proxy.options.Engine.LookAhead(ctx, value); ahead == nil {
		return nil, true, nil
	}
	sql, parameter := ahead.Columns()
	sql = "SELECT coalesce(pg_catalog.json_agg(q), '[]')::pg_catalog.text FROM (" + sql + ") q"
	if ok, err = s.ask(ctx, columnsName, sql, []uint32{oidJSONB}, &pgproto3.Bind{Parameters: [][]byte{parameter}}, keep); !ok || !ahead.Found(value) {
		return nil, ok, err
	}
	return ahead, true, nil
}

// ask runs one statement of ours in the client's session, as do does, with the client's parameters. take gets the value of each row's one column, or a copy's
// data. Where ok is false the statement failed, and the client has been told, or err says why the session ends.
func (s *session) ask(ctx context.Context, name, query string, oids []uint32, bind *pgproto3.Bind, take func(value []byte)) (ok bool, err error) {
	sinks := make([]*answer, 6)
	for i := range sinks {
		sinks[i] = &answer{private: newPrivate(), s: s, take: take}
	}
	var entries []entry
	for i, kind := range []protocol.Kind{protocol.ForClose, protocol.ForParse, protocol.ForBind, protocol.ForExecute, protocol.ForClose, protocol.ForClose} {
		entries = append(entries, entry{kind, sinks[i]})
	}
	messages := encode(
		&pgproto3.Close{ObjectType: 'S', Name: name},
		&pgproto3.Parse{Name: name, Query: query, ParameterOIDs: oids},
		&pgproto3.Bind{DestinationPortal: name, PreparedStatement: name, ParameterFormatCodes: bind.ParameterFormatCodes, Parameters: bind.Parameters},
		&pgproto3.Execute{Portal: name},
		&pgproto3.Close{ObjectType: 'P', Name: name},
		&pgproto3.Close{ObjectType: 'S', Name: name},
		&pgproto3.Flush{})
	if err := s.send(messages, entries...); err != nil {
		return false, err
	}
	if err := s.awaitAnswer(ctx, sinks[len(sinks)-1].done); err != nil {
		return false, err
	}
	return !slices.ContainsFunc(sinks, func(a *answer) bool { return a.failed != nil }), nil
}

// awaitAnswer waits for the end of a statement of ours that may take long. A client that has gone, which nobody would notice as nothing is written to
// it, is given a moment, as a call of ours is: then the statement is cancelled.
func (s *session) awaitAnswer(ctx context.Context, done <-chan struct{}) error {
	tick := time.NewTicker(callGrace)
	defer tick.Stop()
	for gone := false; ; {
		select {
		case <-done:
			return nil
		case <-s.ctx.Done():
			return errClosed
		case <-ctx.Done():
			return s.awaitRows(ctx, done)
		case <-tick.C:
			if gone {
				s.proxy.cancelServer(s.ctx, packet{cancelRequest, []byte(s.key)})
			}
			gone = hungUp(s.client)
		}
	}
}

// answer takes what a statement of ours gives. The client gets what it has to complain about.
type answer struct {
	*private
	s    *session
	take func(value []byte)
}

func (a *answer) message(typ byte, body []byte) bool {
	switch typ {
	case 'd':
		a.take(body)
		return false
	case 'H':
		a.s.copies = true
		a.s.gather(true)
	case 'c', 'E':
		a.s.copies = false
		a.s.gather(false)
	case 'D':
		if len(body) >= 6 {
			if n := int32(binary.BigEndian.Uint32(body[2:])); n >= 0 && int(n) <= len(body)-6 {
				a.take(body[6 : 6+n])
			}
		}
		return false
	}
	a.private.message(typ, body)
	if typ == 'E' && a.failed.Position != 0 {
		a.failed.Position = 0 // in a text that the client doesn't know
		a.s.pending = append(a.s.pending, encode(a.failed)...)
		return false
	}
	return typ == 'E' || typ == 'N'
}

// swallow hands over the data of a COPY of ours that have been read behind what an answer has just taken, in one go: there is a message for each row.
func (s *session) swallow(in *buffer) {
	s.mu.Lock()
	var to *answer
	if _, w := s.queue.Front(); w != nil {
		to, _ = w.sink.(*answer)
	}
	s.mu.Unlock()
	if to == nil {
		return
	}
	from := in.r
	for {
		typ, size, ok := in.peek()
		if !ok || typ != 'd' || size < protocol.HeaderSize || in.w-in.r < size {
			break
		}
		to.take(in.data[in.r+protocol.HeaderSize : in.r+size])
		in.r += size
	}
	s.meter.fromServer.Add(uint64(in.r - from))
}
