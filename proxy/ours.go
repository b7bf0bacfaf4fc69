package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// statement is a prepared statement of ours.
type statement struct {
	plan    *parser.Plan
	oids    []uint32     // parameter types that the client declared
	first   int          // number of the first parameter of ours, 0 where there is none
	columns int          // of a stream: the client's columns
	hidden  []exec.Field // of a stream: the columns behind them
	fields  []pgproto3.FieldDescription

	name     string // where the client's name has the client's text: ours (bysql.go)
	original string // the client's text
	undoes   byName // none of ours: what its execution does to what is
}

// clientParams is the number of parameters that the client sees.
func (st *statement) clientParams() int { return max(st.plan.MaxParam, len(st.oids)) }

// portal is a bound statement of ours.
type portal struct {
	statement *statement
	formats   []int16        // of the client's result columns, as sent: none, one for all, or each
	name      string         // where the client's name has a portal of the client's text: ours (bysql.go)
	passed    int            // rows that the client has got of it
	done      bool           // there are no more
	syncs     int            // sent when it was bound
	bind      *pgproto3.Bind // of a training, until it is executed
}

// ours handles a message that mentions us, or that may belong to something of ours. message is whole, with its header.
func (s *session) ours(typ byte, message []byte) error {
	body := message[protocol.HeaderSize:]
	switch typ {
	case 'Q':
		return s.simpleQuery(message)
	case 'P':
		return s.parseMessage(message)
	case 'B':
		return s.bindMessage(message)
	case 'D', 'C':
		if len(body) < 2 {
			break
		}
		name, _, _ := protocol.CutString(body[1:])
		if typ == 'C' {
			return s.closeMessage(body[0], name, message)
		}
		to, err := s.describeSink(body[0], name)
		if err != nil {
			return err
		}
		if to != nil {
			return s.send(message, entry{protocol.ForDescribe, to})
		}
	case 'E':
		name, _, _ := protocol.CutString(body)
		if p := s.portals[name]; p != nil {
			s.executes(p.statement.plan.Lane)
			return s.executePortal(name, p, message)
		}
		s.count(typ)
	}
	return s.pass(typ, message)
}

// closeMessage handles a Close.
func (s *session) closeMessage(what byte, name string, message []byte) error {
	own := ""
	if p := s.portals[name]; what != 'S' && p != nil {
		delete(s.portals, name)
		own = p.name
	}
	if n := s.settled(name); what == 'S' && n != nil {
		for b := n; b != nil; b = b.before {
			s.orphan(b.statement)
		}
		messages, entries := s.closeOrphans()
		message = append(messages, message...)
		return s.send(message, append(entries, entry{protocol.ForClose, &tracked{naming: s.name(name, nil)}})...)
	}
	if own != "" {
		message = append(encode(&pgproto3.Close{ObjectType: 'P', Name: own}), message...)
		return s.send(message, entry{protocol.ForClose, newPrivate()}, entry{kind: protocol.ForClose})
	}
	return s.pass('C', message)
}

// pass forwards a message as it is.
func (s *session) pass(typ byte, message []byte) error {
	s.note(typ)
	_, err := s.server.Write(message)
	return err
}

// count counts a message that is forwarded as it is.
func (s *session) count(typ byte) {
	if s.meter.sent(typ) {
		s.proxy.metrics.statement(parser.Call)
	}
}

// executes counts a statement of ours that is executed.
func (s *session) executes(l parser.Lane) {
	s.proxy.metrics.statement(l)
	s.meter.planned(l)
}

// plan plans a text, or gives nil where it stays as it is: the stack is off, or the text is not in the parser's encoding.
// executes says that the text is executed at once, and counts then.
func (s *session) plan(text string, executes bool) *parser.Plan {
	if s.calls.Load() == nil || !s.readable() {
		if executes {
			s.meter.passed.Add(1)
		}
		return nil
	}
	s.lanes = s.lanes || namesLanes(text)
	p := s.proxy.options.Engine.Plan(text)
	s.meter.planned(p.Lane)
	if executes {
		s.proxy.metrics.statement(p.Lane)
	}
	if p.Lane == parser.Call && p.Training == nil {
		return nil
	}
	return p
}

// simpleQuery handles a Query message. It ends the life of the unnamed statement and portal, as ever.
func (s *session) simpleQuery(message []byte) error {
	delete(s.names, "")
	delete(s.portals, "")
	text, rest, ok := protocol.CutString(message[protocol.HeaderSize:])
	if !ok || len(rest) > 0 {
		return s.pass('Q', message)
	}
	if err := s.undo(s.doesAtOnce([]byte(text))); err != nil {
		return err
	}
	p := s.plan(text, true)
	if p == nil || p.MaxParam > 0 {
		return s.pass('Q', message)
	}
	if p.Lane == parser.Extension {
		m := encode(&pgproto3.Query{String: p.Text(nil)})
		return s.send(m, entry{protocol.ForQuery, &tagSink{originSink: originSink{s, func(at int) int { return p.TextOrigin(nil, at) }}, tags: p.Tags}})
	}
	if forced, err := s.callLane(); forced || err != nil {
		if err != nil {
			return err
		}
		return s.pass('Q', message)
	}
	if p.Training != nil {
		return s.trainQuery(p, message)
	}
	values, err := s.fold(p, nil, false)
	if err == errCanceled {
		return s.failQuery(err)
	}
	if err != nil {
		return err
	}
	if p.Lane == parser.Stream {
		done, err := s.streamQuery(p, values)
		if done || err != nil {
			return err
		}
		return s.pass('Q', message) // the plan's text has columns of ours
	}
	if p.Doubtful {
		ok := false
		canceled, err := s.attempt(func() (err error) {
			ok, err = s.tryStream(&statement{plan: p}, streamName, p.Text(values))
			return err
		})
		if err != nil {
			return err
		}
		if canceled {
			return s.failQuery(errCanceled)
		}
		if !ok {
			return s.pass('Q', message)
		}
	}
	if s.canceledEarly() {
		return s.failQuery(errCanceled)
	}
	return s.send(encode(&pgproto3.Query{String: p.Text(values)}),
		entry{protocol.ForQuery, &originSink{s, func(at int) int { return p.TextOrigin(values, at) }}})
}

// fold computes what can be computed beforehand, as literals or as parameters. What fails is left to the server, whose call of the function fails in its place.
func (s *session) fold(p *parser.Plan, params []exec.Param, asParams bool) (values []parser.Value, err error) {
	if len(p.Folds) == 0 {
		return nil, nil
	}
	err = s.operate(false, func(ctx context.Context) error {
		values = s.proxy.options.Engine.Fold(ctx, p, params, asParams)
		if context.Cause(ctx) == errCanceled {
			return errCanceled // the server, which has nothing to do yet, would not know
		}
		return nil
	})
	return values, err
}

// parseMessage handles a Parse.
func (s *session) parseMessage(message []byte) error {
	var m pgproto3.Parse
	if err := m.Decode(message[protocol.HeaderSize:]); err != nil {
		return s.pass('P', message) // the server knows how to refuse it
	}
	if does := s.doesLater([]byte(m.Query), m.Name != ""); does != (byName{}) {
		// Now what was named before, and with each execution what will be by then.
		if err := s.undo(does); err != nil {
			return err
		}
		return s.send(message, entry{protocol.ForParse, &tracked{naming: s.name(m.Name, &statement{plan: &parser.Plan{}, undoes: does})}})
	}
	var p *parser.Plan
	if parser.Mentions([]byte(m.Query)) {
		p = s.plan(m.Query, false)
	}
	if p == nil || p.Undecided(m.ParameterOIDs) {
		return s.parsePlain(m.Name, message)
	}
	if p.Lane != parser.Extension {
		forced, err := s.callLane()
		if err != nil {
			return err
		}
		if forced {
			return s.parsePlain(m.Name, message)
		}
	}
	st := &statement{plan: p, oids: m.ParameterOIDs, original: m.Query}
	if p.Training != nil {
		return s.send(message, entry{protocol.ForParse, &tracked{naming: s.name(m.Name, st)}})
	}
	if m.Name != "" && p.Lane != parser.Extension {
		st.name = s.ownName()
	}
	text := ""
	switch {
	case p.Lane == parser.Extension:
		text = p.Text(nil)
	case len(p.Folds) > 0:
		st.first = st.clientParams() + 1
		text = p.ParamText(st.first)
	default:
		text = p.Text(nil)
	}
	if p.Lane == parser.Stream || p.Doubtful {
		ok, err := s.tryStream(st, st.name, text)
		if err != nil {
			return err
		}
		if !ok {
			s.orphan(st)
			return s.parsePlain(m.Name, message)
		}
		naming := s.name(m.Name, st)
		if st.name != "" {
			return s.send(message, entry{protocol.ForParse, &tracked{naming: naming}})
		}
		naming.outcome.Store(succeeded)
		return s.toClient(encode(&pgproto3.ParseComplete{}))
	}
	origin := func(at int) int {
		if st.first == 0 {
			return p.TextOrigin(nil, at)
		}
		return p.ParamTextOrigin(st.first, at)
	}
	naming := s.name(m.Name, st)
	if st.name == "" {
		m.Query = text
		return s.send(encode(&m), entry{protocol.ForParse, &tracked{naming, &originSink{s, origin}}})
	}
	messages, entries := s.closeOrphans()
	messages = append(messages, encode(&pgproto3.Parse{Name: st.name, Query: text, ParameterOIDs: m.ParameterOIDs})...)
	entries = append(entries, entry{protocol.ForParse, &ownSink{s, st.name, m.Name, origin}}, entry{protocol.ForParse, &tracked{naming: naming}})
	return s.send(append(messages, message...), entries...)
}

// parsePlain passes a Parse on. Its name may have been one of ours.
func (s *session) parsePlain(name string, message []byte) error {
	if s.settled(name) == nil {
		return s.pass('P', message)
	}
	return s.send(message, entry{protocol.ForParse, &tracked{naming: s.name(name, nil)}})
}

// bindMessage handles a Bind while something of ours is prepared.
func (s *session) bindMessage(message []byte) error {
	var m pgproto3.Bind
	if err := m.Decode(message[protocol.HeaderSize:]); err != nil {
		return s.pass('B', message)
	}
	delete(s.portals, m.DestinationPortal)
	st, err := s.named(m.PreparedStatement)
	if err != nil {
		return err
	}
	if st != nil && st.undoes != (byName{}) {
		if err := s.undo(st.undoes); err != nil {
			return err
		}
		st = nil
	}
	if st == nil {
		return s.pass('B', message)
	}
	if st.plan.Training != nil {
		// Execute needs it, when the message is no longer there.
		bind := &pgproto3.Bind{ParameterFormatCodes: slices.Clone(m.ParameterFormatCodes)}
		for _, v := range m.Parameters {
			bind.Parameters = append(bind.Parameters, bytes.Clone(v))
		}
		s.portals[m.DestinationPortal] = &portal{statement: st, bind: bind, syncs: s.syncs}
		return s.pass('B', message)
	}
	counts := &countSink{s: s, params: st.clientParams(), allParams: st.clientParams() + 2*len(st.plan.Folds),
		columns: st.columns, all: st.columns + len(st.hidden)}
	if !countFits(m.ParameterFormatCodes, len(m.Parameters)) || len(m.Parameters) != st.clientParams() ||
		len(st.hidden) > 0 && !countFits(m.ResultFormatCodes, st.columns) {
		return s.send(message, entry{protocol.ForBind, counts}) // the server says what is wrong
	}
	p := &portal{statement: st, formats: slices.Clone(m.ResultFormatCodes), syncs: s.syncs}
	var beside []byte
	var entries []entry
	if len(st.hidden) > 0 && m.DestinationPortal != "" {
		p.name = s.ownName()
		if st.name == "" {
			beside = encode(&pgproto3.Parse{Name: originalName, Query: st.original, ParameterOIDs: st.oids})
			entries = []entry{{protocol.ForParse, &ownSink{s: s}}}
			m.PreparedStatement = originalName
		}
		beside = append(beside, encode(&m)...)
		entries = append(entries, entry{kind: protocol.ForBind})
		if st.name == "" {
			m.PreparedStatement = ""
			beside = append(beside, encode(&pgproto3.Close{ObjectType: 'S', Name: originalName})...)
			entries = append(entries, entry{protocol.ForClose, newPrivate()})
		}
	}
	if st.first > 0 {
		values, err := s.fold(st.plan, st.params(&m), true)
		if err == errCanceled {
			return s.failStatement(err)
		}
		if err != nil {
			return err
		}
		m.ParameterFormatCodes = eachFormat(m.ParameterFormatCodes, len(m.Parameters))
		for _, v := range values {
			value, model, format := []byte(nil), []byte(nil), int16(0)
			if v.OK && !v.Null {
				if value = v.Binary; value != nil {
					format = 1
				} else {
					value = []byte(v.Text)
				}
				if v.Model != 0 {
					model = strconv.AppendInt(nil, v.Model, 10)
				}
			}
			m.Parameters = append(m.Parameters, value, model)
			m.ParameterFormatCodes = append(m.ParameterFormatCodes, format, 0)
		}
	}
	if len(st.hidden) > 0 {
		m.ResultFormatCodes = eachFormat(m.ResultFormatCodes, st.columns)
		for range st.hidden {
			m.ResultFormatCodes = append(m.ResultFormatCodes, 1)
		}
	}
	s.portals[m.DestinationPortal] = p
	client := m.DestinationPortal
	if st.name != "" {
		m.PreparedStatement = st.name
	}
	if p.name == "" {
		return s.send(encode(&m), entry{protocol.ForBind, counts})
	}
	m.DestinationPortal = p.name
	return s.send(append(beside, encode(&m)...), append(entries, entry{protocol.ForBind, &ownSink{s: s, own: p.name, client: client}})...)
}

// countFits reports whether there are as many format codes as the protocol wants: none, one for all, or one each.
func countFits(codes []int16, n int) bool { return len(codes) <= 1 || len(codes) == n }

// params pairs a Bind's parameters with what is known of their types.
func (st *statement) params(m *pgproto3.Bind) []exec.Param {
	formats := eachFormat(m.ParameterFormatCodes, len(m.Parameters))
	params := make([]exec.Param, len(m.Parameters))
	for i, v := range m.Parameters {
		params[i] = exec.Param{Value: v, Field: exec.Field{Format: formats[i]}}
		if i < len(st.oids) {
			params[i].OID = st.oids[i]
		}
	}
	return params
}

// eachFormat spells out format codes, of which countFits: none is text for all, one is that for all.
func eachFormat(codes []int16, n int) []int16 {
	if len(codes) == n {
		return codes
	}
	all := make([]int16, n)
	if len(codes) == 1 {
		for i := range all {
			all[i] = codes[0]
		}
	}
	return all
}

// describeSink hides what is ours from the answer to a Describe; nil where nothing is.
func (s *session) describeSink(what byte, name string) (sink, error) {
	var st *statement
	var err error
	d := &hidingSink{s: s}
	if what == 'S' {
		st, err = s.named(name)
	} else if p := s.portals[name]; p != nil && p.name == "" {
		st = p.statement
	}
	if err != nil || st == nil || what == 'S' && st.name != "" || st.first == 0 && len(st.hidden) == 0 {
		return nil, err
	}
	d.params, d.hidden = st.clientParams(), len(st.hidden)
	return d, nil
}

// hidingSink takes our parameters and columns out of a description.
type hidingSink struct {
	s      *session
	params int // the client's
	hidden int // columns of ours, the last ones
}

func (d *hidingSink) message(typ byte, body []byte) bool {
	switch typ {
	case 't':
		var m pgproto3.ParameterDescription
		if m.Decode(body) != nil || len(m.ParameterOIDs) < d.params {
			return true
		}
		m.ParameterOIDs = m.ParameterOIDs[:d.params]
		d.s.pending = append(d.s.pending, encode(&m)...)
		return false
	case 'T':
		if d.hidden == 0 {
			return true
		}
		var m pgproto3.RowDescription
		if m.Decode(body) != nil || len(m.Fields) < d.hidden {
			return true
		}
		m.Fields = m.Fields[:len(m.Fields)-d.hidden]
		d.s.pending = append(d.s.pending, encode(&m)...)
		return false
	}
	return true
}

func (d *hidingSink) over() {}

// originSink puts the position of an error back to where it is in the client's text.
type originSink struct {
	s      *session
	origin func(position int) int
}

func (o *originSink) message(typ byte, body []byte) bool {
	if typ != 'E' {
		return true
	}
	var m pgproto3.ErrorResponse
	if m.Decode(body) != nil || m.Position == 0 {
		return true
	}
	m.Position = int32(o.origin(int(m.Position)))
	o.s.pending = append(o.s.pending, encode(&m)...)
	return false
}

func (o *originSink) over() {}

// tagSink puts back the command tags of statements that were replaced.
type tagSink struct {
	originSink
	tags map[int]string
	n    int
}

func (t *tagSink) message(typ byte, body []byte) bool {
	if typ != 'C' && typ != 'I' {
		return t.originSink.message(typ, body)
	}
	tag, ok := t.tags[t.n]
	t.n++
	if !ok || typ == 'I' {
		return true
	}
	t.s.pending = append(t.s.pending, encode(&pgproto3.CommandComplete{CommandTag: []byte(tag)})...)
	return false
}

// executePortal handles an Execute of a portal of ours.
func (s *session) executePortal(name string, p *portal, message []byte) error {
	switch {
	case p.bind != nil:
		return s.trainPortal(p, message)
	case p.statement.plan.Lane == parser.Extension:
		return s.send(message, entry{protocol.ForExecute, &tagSink{originSink: originSink{s, func(at int) int { return at }}, tags: p.statement.plan.Tags}})
	case len(p.statement.hidden) > 0:
		st, err := s.drain()
		if err != nil {
			return err
		}
		if st.skipping || st.copying {
			return s.pass('E', message)
		}
		limit := uint32(0)
		if _, rest, ok := protocol.CutString(message[protocol.HeaderSize:]); ok && len(rest) == 4 {
			limit = binary.BigEndian.Uint32(rest)
		}
		failed, err := s.streamRows(name, p, limit)
		if err != nil || failed == nil {
			return err
		}
		return s.failStatement(failed)
	}
	return s.pass('E', message)
}

// encode makes the bytes of messages that cannot fail to encode within the protocol's limits.
func encode(messages ...pgproto3.Message) []byte {
	var b []byte
	for _, m := range messages {
		next, err := m.Encode(b)
		if err != nil {
			// Only a message beyond the protocol's own size limit; the server would refuse it, so let it see a broken length.
			next = append(b, 'Q', 0, 0, 0, 0)
		}
		b = next
	}
	return b
}
