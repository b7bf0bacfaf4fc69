package pool

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
)

// statement is a prepared statement as a client knows it.
type statement struct {
	server  string // its name at the server: made of its text, so the same on every server connection; "" for the unnamed one
	body    []byte // of its Parse, behind the name
	verdict verdict
	gone    bool // it stands for none: a Close was sent, which the server may skip
	pending bool // the server has not answered its Parse or Close yet
	syncs   int  // Syncs that were sent before its Parse
}

// serverPrefix begins the names of statements at the server.
const serverPrefix = "pgowl_"

// serverName gives the name at the server of a statement with this text and these parameter types.
func serverName(body []byte) string {
	sum := sha256.Sum256(body)
	return serverPrefix + hex.EncodeToString(sum[:16])
}

// maxPrepared is how many statements are kept on one server connection; the one that was used least lately goes first.
const maxPrepared = 200

// prepared are the named statements that a server connection knows of the pool's.
type prepared struct {
	by    map[string]*list.Element
	order list.List // of names; the one used last is in front
}

func (p *prepared) has(name string) bool { return p.by[name] != nil }

// use notes that a statement is used, and prepared if it wasn't. It gives the name of one that has to be closed for it; "" for none.
func (p *prepared) use(name string) (over string) {
	if e := p.by[name]; e != nil {
		p.order.MoveToFront(e)
		return ""
	}
	if p.by == nil {
		p.by = map[string]*list.Element{}
	}
	p.by[name] = p.order.PushFront(name)
	if len(p.by) <= maxPrepared {
		return ""
	}
	over = p.order.Back().Value.(string)
	p.forget(over)
	return over
}

func (p *prepared) forget(name string) {
	if e := p.by[name]; e != nil {
		p.order.Remove(e)
		delete(p.by, name)
	}
}

func (p *prepared) clear() {
	clear(p.by)
	p.order.Init()
}
