package smartrecruiters

// What SmartRecruiters means by a status and a code.

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// vendorError is both shapes of an error body: of the APIs and of the token
// endpoint. Texts are read for scope names only and never passed on.
type vendorError struct {
	Message string `json:"message"`
	Errors  []struct {
		Code string `json:"code"`
	} `json:"errors"`
	OAuth string `json:"error"`
}

// insufficientScope is the VendorCode of a 403 for a missing scope, as opposed
// to one for a missing System Role.
const insufficientScope = "insufficient_scope"

var (
	codeShape    = regexp.MustCompile(`^([A-Z][A-Z_]{2,63}|[a-z][a-z_]{2,40})$`)
	scopesInBody = regexp.MustCompile(`^Missing required scopes: ([a-z_, ]+)$`)
	scopesInHead = regexp.MustCompile(`scope="([a-z_, ]*)"`)
	scopeBreak   = regexp.MustCompile(`[, ]+`)
)

// classify is the meaning of an answer that is not success.
func classify(r httpclient.Request, resp *httpclient.Response) *sdk.Error {
	e := httpclient.Classify(name, r, resp)
	if e.Code == sdk.CodeUpstreamBug {
		return e
	}
	var body vendorError
	_ = json.Unmarshal(resp.Body, &body) // an unreadable body leaves the status to speak
	code := body.OAuth
	if len(body.Errors) > 0 {
		code = body.Errors[0].Code
	}
	if codeShape.MatchString(code) {
		e.VendorCode = code
	}
	if r.Path == tokenPath {
		return refusedClient(e)
	}
	if e.Code == sdk.CodePermissionMissing {
		missingScope(e, r, resp, body)
	}
	if m, ok := meanings[e.VendorCode]; ok && resp.Status < 500 && resp.Status != http.StatusUnauthorized {
		e.Code, e.Message, e.Fault, e.Permission = m.code, m.message, m.fault, ""
	}
	if resp.Status == http.StatusFailedDependency {
		e.Message = "SmartRecruiters called the callback address and did not get its handshake back"
	}
	return e
}

// refusedClient tells a wrong client id or secret from a token endpoint in
// trouble.
func refusedClient(e *sdk.Error) *sdk.Error {
	known := []string{"invalid_client", "unauthorized_client", "invalid_grant", "access_denied"}
	if e.VendorStatus == http.StatusUnauthorized || (e.VendorStatus < 500 && slices.Contains(known, e.VendorCode)) {
		e.Code, e.Fault, e.Permission = sdk.CodeAuthExpired, sdk.FaultConfig, ""
		e.Message = "SmartRecruiters does not accept the Client Id and Client Secret: one is mistyped, or the credential was deleted"
	}
	return e
}

// missingScope tells a missing scope from a missing role, and names the scope.
// Scopes are OR-ed: the one the call was made for is named if it is among them.
func missingScope(e *sdk.Error, r httpclient.Request, resp *httpclient.Response, body vendorError) {
	var list string
	head := resp.Header.Get("WWW-Authenticate")
	if m := scopesInBody.FindStringSubmatch(body.Message); m != nil {
		list = m[1]
	} else if strings.Contains(head, insufficientScope) {
		if m := scopesInHead.FindStringSubmatch(head); m != nil {
			list = m[1]
		}
	} else {
		e.Message = "SmartRecruiters does not permit this: the credential lacks a permission or a System Role, or its Access Group leaves this record out"
		return
	}
	e.VendorCode = insufficientScope
	scopes := slices.DeleteFunc(scopeBreak.Split(list, -1), func(s string) bool { return s == "" })
	if len(scopes) > 0 && !slices.Contains(scopes, r.Permission) {
		e.Permission = scopes[0]
	}
}

type meaning struct {
	code    sdk.Code
	fault   sdk.Fault
	message string
}

// meanings of the vendor's codes where the status alone would mislead.
var meanings = map[string]meaning{
	"NO_ACCESS_TO_CANDIDATE":       {sdk.CodeNotFound, sdk.FaultConfig, "the Access Group of the credential leaves this candidate out"},
	"NO_ACCESS_TO_JOB":             {sdk.CodeNotFound, sdk.FaultConfig, "the Access Group of the credential leaves this job out"},
	"SUBSCRIPTIONS_LIMIT_EXCEEDED": {sdk.CodeConflict, sdk.FaultConfig, "the credential already has the 20 webhook subscriptions SmartRecruiters allows; delete one that is not used"},
	"SECRET_KEYS_LIMIT_EXCEEDED":   {sdk.CodeConflict, sdk.FaultConfig, "the webhook subscription already has the 16 secret keys SmartRecruiters allows"},
	"REQUIRED_SUB_STATUS_OMITTED":  {sdk.CodePreconditionFailed, sdk.FaultConfig, "the hiring process requires a sub-status that lies before the wanted stage"},
	"INVALID_SOURCE":               {sdk.CodePreconditionFailed, sdk.FaultConfig, "the review was not written through the API, so it cannot be changed through it"},
	"REVIEWER_ID_DOES_NOT_MATCH":   {sdk.CodePreconditionFailed, sdk.FaultConfig, "the review was written by another user"},
	"INACTIVE_OR_DELETED_REVIEWER": {sdk.CodePreconditionFailed, sdk.FaultConfig, "the SmartRecruiters user the credential acts as is inactive"},
	"CANDIDATE_NOT_FOUND":          {sdk.CodeNotFound, sdk.FaultHub, "SmartRecruiters does not know the candidate"},
	"JOB_NOT_FOUND":                {sdk.CodeNotFound, sdk.FaultHub, "SmartRecruiters does not know the job, or the candidate has not applied for it"},
	"APPLICATION_NOT_FOUND":        {sdk.CodeNotFound, sdk.FaultHub, "the candidate has no application for the job"},
	"INVALID_JOB_APPLICATION_ID":   {sdk.CodeNotFound, sdk.FaultHub, "SmartRecruiters does not know the application"},
	"INVALID_PAGE_ID":              {sdk.CodeInvalid, sdk.FaultHub, "SmartRecruiters no longer knows this page of the list; start the list again"},
	"NO_REASON_SUPPORT_FOR_STATUS": {sdk.CodeInvalid, sdk.FaultConnector, "the stage takes no reason"},
}
