package proxy

import (
	"encoding/binary"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// lanesName is the setting by which a session wants all its calls made from inside the server: SET pgowl.lanes = 'call'. The server keeps it,
// with the transaction semantics of any setting, so it is asked; but only where the session has ever named it.
const (
	lanesName  = "pgowl.lanes"
	askLanes   = "SELECT pg_catalog.current_setting('pgowl.lanes', true)"
	lanesAsked = "pgowl:lanes" // prepared for a moment
)

// namesLanes tells whether a text names the setting.
func namesLanes(text string) bool {
	return strings.Contains(strings.ToLower(text), lanesName)
}

// namesLanes notes that the settings of a start-up message name it: by itself, or among the options.
func (s *session) namesLanes(settings map[string]string) {
	for name, value := range settings {
		s.lanes = s.lanes || namesLanes(name) || namesLanes(value)
	}
}

// settingSink takes the value of a setting.
type settingSink struct {
	*private
	value string
}

func (k *settingSink) message(typ byte, body []byte) bool {
	if typ == 'D' && len(body) >= 6 {
		if n := int32(binary.BigEndian.Uint32(body[2:])); n >= 0 && int(n) <= len(body)-6 {
			k.value = string(body[6 : 6+n])
		}
	}
	return k.private.message(typ, body)
}

// callLane tells whether the session wants the call lane. Where the server can't be asked it is the one that is always right.
func (s *session) callLane() (bool, error) {
	if !s.lanes {
		return false, nil
	}
	before, err := s.drain()
	if err != nil {
		return false, err
	}
	if before.skipping || before.copying || before.tx == 'E' || !s.clean() {
		return true, nil
	}
	answer, last := &settingSink{private: newPrivate()}, newPrivate()
	messages, entries := do(lanesAsked, askLanes)
	entries[executed].sink = answer
	err = s.send(append(messages, encode(&pgproto3.Sync{})...), append(entries, entry{protocol.ForSync, last})...)
	if err != nil {
		return false, err
	}
	if err := s.wait(last); err != nil {
		return false, err
	}
	return answer.value == "call", nil
}
