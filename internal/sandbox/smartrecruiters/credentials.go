// Credentials: API keys and OAuth clients, their scopes, System role and access group, and the token endpoint.

package smartrecruiters

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The scope keys each customer guide asks for.
var (
	// FairecScopes are the ten permissions of the screening guide.
	FairecScopes = []string{
		"candidates_read", "candidates_manage", "candidate_status_read", "job_applications_read", "configuration_read",
		"jobs_read", "user_me_read", "reviews_read", "reviews_write", "webhooks_manage",
	}
	// PillarScopes are the nine scopes of the capture guide; none of them is for webhooks.
	PillarScopes = []string{
		"candidates_read", "candidates_create", "candidate_status_read", "interviews_read", "interviews_write",
		"interview_types_read", "job_applications_read", "jobs_read", "users_read",
	}
)

// Grant is what an administrator chooses when a credential is made.
type Grant struct {
	// Scopes are the permissions; any one of an operation's scopes suffices.
	Scopes []string
	// Role is the System role. Empty means none: the second gate, closed whatever the scopes.
	Role string
	// User the credential acts as. Empty means the company's first administrator.
	User string
	// Jobs is the access group. Nil sees every job, an empty slice none.
	Jobs []string
}

// Administrator is the System role that opens every gate.
const Administrator = "ADMINISTRATOR"

type credential struct {
	id, secret string // id is the API key or the OAuth client id
	company    *Company
	user, role string
	scopes     map[string]bool
	jobs       map[string]bool // nil: all
	revoked    bool
}

type token struct {
	cred    *credential
	expires time.Time
}

func newSecret(n int) string {
	raw := make([]byte, (n+1)/2)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return hex.EncodeToString(raw)[:n]
}

// NewAPIKey makes an API key. It is shown once, as the vendor does.
func (co *Company) NewAPIKey(g Grant) string {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	cred := co.credential(g)
	cred.id = "DCRA1-" + newSecret(32)
	co.sim.keys[cred.id] = cred
	return cred.id
}

// NewOAuthClient makes an OAuth client for the client-credentials grant.
func (co *Company) NewOAuthClient(g Grant) (clientID, clientSecret string) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	cred := co.credential(g)
	cred.id, cred.secret = newSecret(24), newSecret(40)
	co.sim.clients[cred.id] = cred
	return cred.id, cred.secret
}

func (co *Company) credential(g Grant) *credential {
	cred := &credential{company: co, user: g.User, role: g.Role, scopes: map[string]bool{}, jobs: accessGroup(g.Jobs)}
	if cred.user == "" {
		cred.user = co.users[0].ID
	}
	for _, scope := range g.Scopes {
		cred.scopes[scope] = true
	}
	return cred
}

func accessGroup(jobs []string) map[string]bool {
	if jobs == nil {
		return nil
	}
	group := map[string]bool{}
	for _, id := range jobs {
		group[id] = true
	}
	return group
}

// change applies f to a key (by its value) or an OAuth client (by its id); unknown ids are ignored.
func (co *Company) change(id string, f func(*credential)) {
	co.sim.mu.Lock()
	defer co.sim.mu.Unlock()
	for _, cred := range []*credential{co.sim.keys[id], co.sim.clients[id]} {
		if cred != nil && cred.company == co {
			f(cred)
		}
	}
}

// RevokeKey makes a key or an OAuth client with all its tokens unknown at once.
func (co *Company) RevokeKey(id string) { co.change(id, func(c *credential) { c.revoked = true }) }

// RevokePermission takes one scope away, effective with the next request.
func (co *Company) RevokePermission(id, scope string) {
	co.change(id, func(c *credential) { delete(c.scopes, scope) })
}

// GrantPermission gives one scope.
func (co *Company) GrantPermission(id, scope string) {
	co.change(id, func(c *credential) { c.scopes[scope] = true })
}

// SetRole assigns a System role; empty removes it.
func (co *Company) SetRole(id, role string) { co.change(id, func(c *credential) { c.role = role }) }

// SetAccessGroup limits a credential to these jobs; nil opens every job.
func (co *Company) SetAccessGroup(id string, jobs []string) {
	co.change(id, func(c *credential) { c.jobs = accessGroup(jobs) })
}

// ExpireTokens ends every OAuth token of a client now.
func (co *Company) ExpireTokens(clientID string) {
	co.change(clientID, func(cred *credential) {
		for value, tok := range co.sim.tokens {
			if tok.cred == cred {
				delete(co.sim.tokens, value)
			}
		}
	})
}

func bearer(r *http.Request) string {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return value
}

// authenticate finds the credential of a request; nil means 401.
func (s *Simulator) authenticate(r *http.Request) *credential {
	cred := s.keys[r.Header.Get("X-SmartToken")]
	if cred == nil {
		tok, known := s.tokens[bearer(r)]
		if !known || !s.now().Before(tok.expires) {
			return nil
		}
		cred = tok.cred
	}
	if cred.revoked {
		return nil
	}
	return cred
}

// presentedCredential names a request's credential without revealing it: limits and record go by it.
func presentedCredential(r *http.Request, body []byte) string {
	value := r.Header.Get("X-SmartToken")
	if value == "" {
		value = bearer(r)
	}
	if value == "" && r.URL.Path == tokenPath {
		if form, err := url.ParseQuery(string(body)); err == nil {
			value = form.Get("client_id")
		}
	}
	if value == "" {
		return "anonymous"
	}
	return CredentialHash(value)
}

// CredentialHash is how the record names an API key, an access token or an OAuth client id.
func CredentialHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:6])
}

// refuse is the two gates: scope first, then System role. They answer with different bodies.
func (cred *credential) refuse(rt *route) (answer, bool) {
	if !cred.hasAny(rt.scopes) {
		a := reply(http.StatusForbidden, obj{"message": "Missing required scopes: " + strings.Join(rt.scopes, ",")})
		return a.with("WWW-Authenticate", `Bearer scope="`+strings.Join(rt.scopes, " ")+
			`", error="insufficient_scope", error_description="Insufficient scope for this resource"`), true
	}
	if cred.role == "" && !rt.roleless {
		return fail(http.StatusForbidden, rt.deniedCode(), "Permission denied"), true
	}
	return answer{}, false
}

func (cred *credential) hasAny(scopes []string) bool {
	for _, scope := range scopes {
		if cred.scopes[scope] {
			return true
		}
	}
	return false
}

// sees reports whether a job is inside the access group.
func (cred *credential) sees(jobID string) bool { return cred.jobs == nil || cred.jobs[jobID] }

const tokenPath = "/identity/oauth/token"

// issueToken is the client-credentials grant. token_type changes its case as seen in the field; no scope is returned.
func issueToken(c *call) answer {
	mediaType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(c.body))
	if mediaType != "application/x-www-form-urlencoded" || err != nil {
		return oauthError(http.StatusBadRequest, "invalid_request", "a form body is required")
	}
	if form.Get("grant_type") != "client_credentials" {
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is supported")
	}
	cred := c.clients[form.Get("client_id")]
	if cred == nil || cred.revoked || cred.secret != form.Get("client_secret") {
		return oauthError(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	c.co = cred.company
	value := newSecret(48)
	c.tokens[value] = token{cred: cred, expires: c.now().Add(c.opt.TokenLifetime)}
	tokenType := "bearer"
	if c.vary()%2 == 0 {
		tokenType = "Bearer"
	}
	return reply(http.StatusOK, obj{
		"access_token": value, "token_type": tokenType, "expires_in": int(c.opt.TokenLifetime.Seconds()),
	})
}

func oauthError(status int, code, description string) answer {
	return reply(status, obj{"error": code, "error_description": description})
}
