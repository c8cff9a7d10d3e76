package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/atshub/atshub/sdk"
)

const (
	partBody   = "body"
	partHeader = "header:"
)

// verify tells that a delivery was signed with one of the secrets, by the
// scheme the connector's manifest declares. header answers the value of a
// header by its lower-case name.
func verify(scheme *sdk.WebhookScheme, secrets []sdk.Secret, header func(string) string, body []byte) bool {
	given := segments(scheme, header(scheme.SignatureHeader))
	if len(given) == 0 {
		return false
	}
	signed := signedText(scheme, header, body)
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s.Reveal()))
		mac.Write(signed)
		want := []byte(hex.EncodeToString(mac.Sum(nil)))
		for _, g := range given {
			if hmac.Equal(want, []byte(g)) {
				return true
			}
		}
	}
	return false
}

// maxSegments is above what any sender keeps valid at once.
const maxSegments = 32

func segments(scheme *sdk.WebhookScheme, value string) []string {
	parts := []string{value}
	if scheme.SegmentSep != "" {
		parts = strings.SplitN(value, scheme.SegmentSep, maxSegments+1)
	}
	var found []string
	for _, p := range parts[:min(len(parts), maxSegments)] {
		if hash, ok := strings.CutPrefix(strings.TrimSpace(p), scheme.SegmentPrefix); ok && hash != "" {
			found = append(found, hash)
		}
	}
	return found
}

func signedText(scheme *sdk.WebhookScheme, header func(string) string, body []byte) []byte {
	var text []byte
	for i, part := range scheme.SignedParts {
		if i > 0 {
			text = append(text, scheme.PartSep...)
		}
		if part == partBody {
			text = append(text, body...)
		} else if name, ok := strings.CutPrefix(part, partHeader); ok {
			text = append(text, header(name)...)
		}
	}
	return text
}

// signedHeaders are the names of the headers the signature covers.
func signedHeaders(scheme *sdk.WebhookScheme) []string {
	var names []string
	for _, part := range scheme.SignedParts {
		if name, ok := strings.CutPrefix(part, partHeader); ok {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}
