package call

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
)

// Code is the SQLSTATE of the messages that functions in the database send to the proxy.
const Code = "OWL01"

// message is a request of a function in the database, as pgowl.ask and pgowl.send_piece write it:
// id, backend pid, c or s (its snapshot sees what has been committed since, or stands still), a ticket that the answer has to
// show, verb, and the verb's words.
type message struct {
	id     string
	fresh  bool
	ticket string
	verb   string
	words  []string
	worker bool // another backend has sent it: a parallel worker of the session's
}

// read takes a message apart. It is nobody's unless the sum shows that the schema's owner wrote it.
func read(key string, pid uint32, text, sum string) (message, bool) {
	h := sha256.New()
	io.WriteString(h, key)
	io.WriteString(h, text) // megabytes, maybe: not copied
	got, err := hex.DecodeString(sum)
	if err != nil || subtle.ConstantTimeCompare(h.Sum(nil), got) != 1 {
		return message{}, false
	}
	words := strings.Split(text, " ")
	if len(words) < 5 || len(words[0]) != 32 {
		return message{}, false
	}
	return message{id: words[0], fresh: words[2] == "c", ticket: words[3], verb: words[4], words: words[5:],
		worker: words[1] != strconv.FormatUint(uint64(pid), 10)}, true
}

// bytes reads a word: base64, "-" for NULL (nil), "=" for no bytes.
func bytes(word string) ([]byte, bool) {
	switch word {
	case "-":
		return nil, true
	case "=", "":
		return []byte{}, true
	}
	b, err := base64.StdEncoding.DecodeString(word)
	return b, err == nil
}

// Token is the value of the setting pgowl.session that a session through this proxy starts with: the proxy's name, the session's, and a sum
// that only the key's holders can make. A session without one cannot call the proxy, and gets an error at once.
func Token(key, proxy, session string) string {
	sum := sha256.Sum256([]byte(key + ":" + proxy + "." + session))
	return proxy + "." + session + "." + hex.EncodeToString(sum[:])[:32]
}
