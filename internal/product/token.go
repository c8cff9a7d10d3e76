package product

// token.go: logging in to a screening product, once for many calls at once.

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/atshub/atshub/sdk"
)

type token struct {
	value   sdk.Secret
	account Account
	until   time.Time
}

// tokens keeps a token for each credential, in memory only, under a hash of
// it. Many callers that need the same one cause one login.
type tokens struct {
	now    func() time.Time
	login  func(context.Context, Login) (token, error)
	flight singleflight.Group

	mu   sync.Mutex
	held map[string]token
}

func newTokens(now func() time.Time, login func(context.Context, Login) (token, error)) *tokens {
	return &tokens{now: now, login: login, held: map[string]token{}}
}

func credentialKey(l Login) string {
	h := sha256.New()
	h.Write([]byte(l.Username))
	h.Write([]byte{0})
	h.Write([]byte(l.Password.Reveal()))
	return string(h.Sum(nil))
}

// get is a token with some life left.
func (t *tokens) get(ctx context.Context, l Login) (token, error) {
	t.mu.Lock()
	held, ok := t.held[credentialKey(l)]
	t.mu.Unlock()
	if ok && t.now().Before(held.until) {
		return held, nil
	}
	return t.fresh(ctx, l)
}

// fresh logs in, or waits for a login under way. A caller that gives up does
// not end the login of the others.
func (t *tokens) fresh(ctx context.Context, l Login) (token, error) {
	key := credentialKey(l)
	result := t.flight.DoChan(key, func() (any, error) {
		got, err := t.login(context.WithoutCancel(ctx), l)
		t.mu.Lock()
		defer t.mu.Unlock()
		if err == nil {
			t.sweep()
			t.held[key] = got
		} else if e := AsError(err); e != nil && e.Credential() {
			delete(t.held, key)
		}
		return got, err
	})
	select {
	case r := <-result:
		got, _ := r.Val.(token)
		return got, r.Err
	case <-ctx.Done():
		return token{}, lost(ctx, ctx.Err(), false)
	}
}

// drop forgets a token the product refused, unless a newer one is held.
func (t *tokens) drop(l Login, refused token) {
	key := credentialKey(l)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[key].value == refused.value {
		delete(t.held, key)
	}
}

// sweep drops what has expired, so that gone customers leave nothing behind.
func (t *tokens) sweep() {
	now := t.now()
	for k, v := range t.held {
		if !now.Before(v.until) {
			delete(t.held, k)
		}
	}
}

// login asks the product for a token. It is used until a tenth of its life,
// at most a minute, is left.
func (s *Screening) login(ctx context.Context, l Login) (token, error) {
	in := struct {
		Username string     `json:"username"`
		Password sdk.Secret `json:"password"`
	}{l.Username, l.Password}
	var out struct {
		Token     sdk.Secret `json:"token"`
		ExpiresAt time.Time  `json:"expires_at"`
		Account   Account    `json:"account"`
	}
	asked := s.now()
	q := request{method: http.MethodPost, path: "/login", in: in, out: &out}
	if err := s.do(ctx, q); err != nil {
		return token{}, err
	}
	if out.Token == "" || out.Account.ID == "" || out.Account.OrganisationID == "" {
		return token{}, badAnswer(q, http.StatusOK)
	}
	life := out.ExpiresAt.Sub(asked)
	return token{out.Token, out.Account, out.ExpiresAt.Add(-min(life/10, time.Minute))}, nil
}

// call sends q for the login. A token refused before its time (the product
// restarted, somebody revoked it) is replaced once: a refused request did nothing.
func (s *Screening) call(ctx context.Context, l Login, q request) error {
	t, err := s.tokens.get(ctx, l)
	if err != nil {
		return err
	}
	q.bearer = t.value
	err = s.do(ctx, q)
	if e := AsError(err); e == nil || e.Code != CodeUnauthorized {
		return err
	}
	s.tokens.drop(l, t)
	if t, err = s.tokens.get(ctx, l); err != nil {
		return err
	}
	q.bearer = t.value
	return s.do(ctx, q)
}
