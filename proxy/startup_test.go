package proxy

import (
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

func TestChannelBindingIsNotOffered(t *testing.T) {
	s := &session{}
	body := encode(&pgproto3.AuthenticationSASL{AuthMechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}})[headerSize:]
	if keep, err := s.authentication(body); keep || err != nil {
		t.Fatalf("keep %v, %v", keep, err)
	}
	var m pgproto3.AuthenticationSASL
	if err := m.Decode(s.pending[headerSize:]); err != nil {
		t.Fatal(err)
	}
	if len(m.AuthMechanisms) != 1 || m.AuthMechanisms[0] != "SCRAM-SHA-256" {
		t.Errorf("offered %q", m.AuthMechanisms)
	}
	if keep, err := s.authentication(encode(&pgproto3.AuthenticationOk{})[headerSize:]); !keep || err != nil {
		t.Errorf("AuthenticationOk: keep %v, %v", keep, err)
	}
}
