package wire

import (
	"encoding/hex"
	"fmt"
)

// brokenMessages has every type byte that may not be, and every message that is too short, too long, or lies about it.
func brokenMessages() (all []script) {
	const last = "halfclose\nread eof"
	for typ := range 256 {
		switch {
		case typ > 0x7f && typ%32 != 0, typ < 0x20 && typ%8 != 0: // a few of those that are no letters
			continue
		}
		all = append(all, scriptOf("type/%02x", join("Q SELECT 1", fmt.Sprintf("raw %02x 00000004", typ), "Q SELECT 2", last), typ))
	}
	for _, typ := range "QPBDECSHXFdcfp" {
		for name, rest := range map[string]string{
			"length 0": "00000000", "length 3": "00000003", "length -1": "ffffffff", "length of 2 GB": "7fffffff", "length beyond the limit": "40000000",
			"no body": "00000004", "one byte": "00000005 00", "one letter": "00000005 61", "no end": "00000008 61616161", "an end too many": "00000009 61 00 00 00 00",
			"numbers": "0000000c 00 00 ffff ffff 0000", "half": "00000064 00", "half a header": "0000",
		} {
			rest := fmt.Sprintf("raw %s %s", hex.EncodeToString([]byte{byte(typ)}), rest)
			all = append(all, scriptOf("broken/%c/%s", join("Q SELECT 1", rest, "S", "Q SELECT 2", last), typ, name))
			if name == "one letter" || name == "no end" || name == "length 3" {
				all = append(all, scriptOf("broken/%c/%s/in a pipeline", join("Q BEGIN", "P - SELECT 1", "B - -", rest, "E -", "S", "Q SELECT 2", last), typ, name))
			}
		}
	}
	return all
}
