package smartrecruiters

// The two ways to authenticate.

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// Auth is a credential in use.
type Auth interface {
	// identity is equal for equal credentials; it is hashed, never shown.
	identity() string
	// authorize puts the credential on a request.
	authorize(context.Context, *httpclient.Client, http.Header) error
	// only is the part of a sent header that is the credential.
	only(sent http.Header) http.Header
	// replaced tells that a newer credential than the sent one is in use.
	replaced(sent http.Header) bool
	// renew replaces the sent credential, proven dead, or answers
	// CodeAuthExpired.
	renew(ctx context.Context, c *httpclient.Client, sent http.Header) (bool, error)
	// scopes are the scopes the ATS says were granted; nil = it does not say.
	scopes() []string
}

const keyHeader = "X-Smarttoken"

type apiKey struct{ key sdk.Secret }

// APIKey authenticates with a key, which lives until it is revoked.
func APIKey(key sdk.Secret) Auth { return apiKey{key} }

func (a apiKey) identity() string { return "key " + a.key.Reveal() }

func (a apiKey) authorize(_ context.Context, _ *httpclient.Client, h http.Header) error {
	h.Set(keyHeader, a.key.Reveal())
	return nil
}

func (a apiKey) only(sent http.Header) http.Header {
	return http.Header{keyHeader: sent.Values(keyHeader)}
}

func (a apiKey) replaced(http.Header) bool { return false }

func (a apiKey) renew(context.Context, *httpclient.Client, http.Header) (bool, error) {
	return false, &sdk.Error{Code: sdk.CodeAuthExpired, Message: "SmartRecruiters does not accept the API key: it is mistyped, revoked or of another company",
		Fault: sdk.FaultConfig, Outcome: sdk.NotDone, VendorStatus: http.StatusUnauthorized}
}

func (a apiKey) scopes() []string { return nil }

// oauth holds the access token of a client-credentials grant. One refresh at a
// time; a refresh that fails leaves a token that still works in place.
type oauth struct {
	id      string
	secret  sdk.Secret
	refresh singleflight.Group

	mu      sync.Mutex
	token   token
	resting time.Time // after a failed refresh ahead of time, none is tried before
}

type token struct {
	header  string // of Authorization; "" = none yet
	expires time.Time
	renewAt time.Time // expires less a margin
	scopes  []string
}

// OAuth authenticates with the client-credentials grant.
func OAuth(clientID string, clientSecret sdk.Secret) Auth {
	return &oauth{id: clientID, secret: clientSecret}
}

const (
	tokenPath    = "/identity/oauth/token"
	tokenTimeout = 30 * time.Second
	tokenMargin  = time.Minute
	tokenRest    = 5 * time.Second
	tokenAssumed = 5 * time.Minute // when the answer does not say expires_in
)

func (a *oauth) identity() string { return "oauth " + a.id + "\x00" + a.secret.Reveal() }

func (a *oauth) current() token {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token
}

func (a *oauth) authorize(ctx context.Context, c *httpclient.Client, h http.Header) error {
	t, now := a.current(), time.Now()
	if t.header == "" || !now.Before(t.renewAt) {
		works := t.header != "" && now.Before(t.expires)
		if !works || !a.rests(now) {
			next, err := a.exchange(ctx, c, t.header)
			if err != nil && !works {
				return err
			}
			if err == nil {
				t = next
			}
		}
	}
	h.Set("Authorization", t.header)
	return nil
}

func (a *oauth) rests(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return now.Before(a.resting)
}

func (a *oauth) only(sent http.Header) http.Header {
	return http.Header{"Authorization": sent.Values("Authorization")}
}

func (a *oauth) replaced(sent http.Header) bool {
	return a.current().header != sent.Get("Authorization")
}

func (a *oauth) renew(ctx context.Context, c *httpclient.Client, sent http.Header) (bool, error) {
	_, err := a.exchange(ctx, c, sent.Get("Authorization"))
	return err == nil, err
}

func (a *oauth) scopes() []string { return a.current().scopes }

// exchange fetches the token that follows old. Callers that come meanwhile
// share the one request, which outlives any of them.
func (a *oauth) exchange(ctx context.Context, c *httpclient.Client, old string) (token, error) {
	done := a.refresh.DoChan("", func() (any, error) {
		if t := a.current(); t.header != old {
			return t, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
		defer cancel()
		t, err := a.fetch(ctx, c)
		a.mu.Lock()
		defer a.mu.Unlock()
		if err != nil {
			a.resting = time.Now().Add(tokenRest)
			return token{}, err
		}
		a.token = t
		return t, nil
	})
	select {
	case <-ctx.Done():
		return token{}, &sdk.Error{Code: sdk.CodeUpstreamDown, Message: "SmartRecruiters did not give an access token in time", Fault: sdk.FaultVendor, Outcome: sdk.NotDone}
	case r := <-done:
		if r.Err != nil {
			return token{}, r.Err
		}
		return r.Val.(token), nil
	}
}

func (a *oauth) fetch(ctx context.Context, c *httpclient.Client) (token, error) {
	type grant struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"` // some deployments quote the number
		Scope       string      `json:"scope"`
	}
	asked := time.Now()
	g, r, err := httpclient.JSON[grant](ctx, c, httpclient.Request{
		Method: http.MethodPost, Path: tokenPath, Anonymous: true, Repeatable: true,
		Form: url.Values{"grant_type": {"client_credentials"}, "client_id": {a.id}, "client_secret": {a.secret.Reveal()}},
	})
	if err != nil {
		return token{}, err
	}
	if g.AccessToken == "" || (g.TokenType != "" && !strings.EqualFold(g.TokenType, "bearer")) {
		return token{}, r.Nonsense()
	}
	life := tokenAssumed
	if s, err := g.ExpiresIn.Float64(); err == nil && s > 0 {
		life = time.Duration(min(s, 30*24*3600) * float64(time.Second))
	}
	return token{
		header:  "Bearer " + g.AccessToken,
		expires: asked.Add(life),
		renewAt: asked.Add(life - min(tokenMargin, life/5)),
		scopes:  strings.Fields(g.Scope),
	}, nil
}
