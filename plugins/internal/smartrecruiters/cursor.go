package smartrecruiters

// Cursors: the vendor's page id, sealed against being garbled or used with
// another list, so that a bad one is an error and never the list from its start.

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

func sum(list, page string) uint32 {
	return crc32.ChecksumIEEE([]byte(list + "\x00" + page))
}

// seal makes the cursor of a page of a list; "" for no page.
func seal(list, page string) string {
	if page == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, sum(list, page)), page...))
}

// unseal is the page id of a cursor; CodeInvalid if it is not one of this list.
func unseal(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 5 || binary.BigEndian.Uint32(b) != sum(list, string(b[4:])) {
		return "", invalid("cursor", "the cursor does not belong to this list")
	}
	return string(b[4:]), nil
}

// following is the cursor after a page; a page that names itself as the next
// would never end.
func following(list, page, next string) (string, bool) {
	return seal(list, next), next == "" || next != page
}
