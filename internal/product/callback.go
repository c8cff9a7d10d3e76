package product

// callback.go: the signed calls a screening product makes to the hub
// (Standard Webhooks).

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/atshub/atshub/sdk"
)

const (
	callbackPrefix    = "whsec_"
	callbackTolerance = 5 * time.Minute
)

// NewCallbackSecret is a fresh 256-bit signing secret.
func NewCallbackSecret() sdk.Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return sdk.Secret(callbackPrefix + base64.StdEncoding.EncodeToString(b))
}

// VerifyCallback is the change a callback tells of. CodeBadSignature unless it
// was signed with the secret less than five minutes from now; CodeBadAnswer if
// it was, but cannot be understood.
func VerifyCallback(secret sdk.Secret, h http.Header, body []byte, now time.Time) (Change, error) {
	if !signed(secret, h, body, now) {
		return Change{}, newError(CodeBadSignature, sdk.NotDone, 0)
	}
	var in struct {
		Type string `json:"type"`
		Data Change `json:"data"`
	}
	if json.Unmarshal(body, &in) != nil || !in.Data.valid() || in.Type != "candidate."+in.Data.Kind || in.Data.ID != h.Get("webhook-id") {
		return Change{}, newError(CodeBadAnswer, sdk.NotDone, 0)
	}
	return in.Data, nil
}

func signed(secret sdk.Secret, h http.Header, body []byte, now time.Time) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), callbackPrefix))
	if err != nil || len(key) < 24 {
		return false
	}
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" || now.Sub(time.Unix(seconds, 0)).Abs() > callbackTolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for _, s := range strings.Fields(h.Get("webhook-signature")) {
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "v1,"))
		if strings.HasPrefix(s, "v1,") && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
