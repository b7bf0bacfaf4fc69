package auth

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// md5Hash is what a server stores for password_encryption = md5: "md5" and the digits of a hash that is salted with the name.
func md5Hash(password, user string) string { return "md5" + md5Hex(password+user) }

// md5Answer is what a client sends for a stored hash and the server's four bytes of salt (manual, "AuthenticationMD5Password").
func md5Answer(hash string, salt []byte) string {
	return "md5" + md5Hex(strings.TrimPrefix(hash, "md5")+string(salt))
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// isMD5 tells a stored hash from a password as Postgres does (get_password_type).
func isMD5(text string) bool {
	return len(text) == 35 && strings.HasPrefix(text, "md5") && strings.Trim(text[3:], "0123456789abcdef") == ""
}
