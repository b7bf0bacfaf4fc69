package proxy

import (
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/proxy/protocol"
)

func TestChannelBindingIsNotOffered(t *testing.T) {
	s := &session{}
	body := encode(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}})[protocol.HeaderSize:]
	if keep, err := s.authentication(body); keep || err != nil {
		t.Fatalf("keep %v, %v", keep, err)
	}
	var m pgproto3.AuthenticationSASL
	if err := m.Decode(s.pending[protocol.HeaderSize:]); err != nil {
		t.Fatal(err)
	}
	if len(m.AuthMechanisms) != 1 || m.AuthMechanisms[0] != "SCRAM-SHA-256" {
		t.Errorf("offered %q", m.AuthMechanisms)
	}
	if keep, err := s.authentication(encode(&pgproto3.AuthenticationOk{})[protocol.HeaderSize:]); !keep || err != nil {
		t.Errorf("AuthenticationOk: keep %v, %v", keep, err)
	}
}
