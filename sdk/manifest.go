package sdk

// Manifest is a connector's description of itself: everything the hub, the
// console and the docs show or obey without asking the ATS. A connector sets
// the first group; Abilities is filled in by the serve loop from what the
// session implements.
type Manifest struct {
	Name        string         `json:"name"`    // "smartrecruiters-apikey": [a-z0-9-]
	Version     string         `json:"version"` // semver
	ATS         string         `json:"ats"`     // "SmartRecruiters"
	Summary     string         `json:"summary"`
	Logo        string         `json:"logo,omitempty"` // inline SVG
	Fields      []Field        `json:"fields"`
	Permissions []Permission   `json:"permissions"`
	Webhooks    *WebhookScheme `json:"webhooks,omitempty"`
	Budgets     []Budget       `json:"budgets,omitempty"`
	DocsURL     string         `json:"docs_url,omitempty"`

	Abilities []string `json:"abilities"` // names of table rows in abilities.go
}

// Field is one credential field, declared once; form, validation, docs and
// masking follow from it.
type Field struct {
	Key     string `json:"key"`   // "api_key"
	Label   string `json:"label"` // as the guide says it: "API Key"
	Help    string `json:"help"`  // where to find it
	Secret  bool   `json:"secret"`
	Pattern string `json:"pattern,omitempty"` // RE2 the whole value must match
}

// Permission is a right the connector needs at the ATS.
type Permission struct {
	Key      string   `json:"key"`       // the ATS's identifier: "candidates_read"
	Name     string   `json:"name"`      // as the ATS's administrator sees it
	NeededBy []string `json:"needed_by"` // ability names that stop without it
	Serves   string   `json:"serves"`    // what stops working, in the user's words
	Remedy   string   `json:"remedy"`    // what to tick where
	Optional bool     `json:"optional,omitempty"`
}

// WebhookScheme tells the gateway how to verify a delivery and what to answer,
// so that a dead plugin process loses no webhook.
type WebhookScheme struct {
	Events          []string `json:"events"` // the ATS's names to subscribe to
	SuccessStatus   int      `json:"success_status"`
	HandshakeHeader string   `json:"handshake_header,omitempty"` // echoed with HandshakeStatus during activation
	HandshakeStatus int      `json:"handshake_status,omitempty"`
	// The signature header holds segments split by SegmentSep; one that
	// starts with SegmentPrefix carries the lower-case hex HMAC-SHA256, keyed
	// with the secret's bytes, over SignedParts joined by PartSep.
	SignatureHeader string   `json:"signature_header"`
	SegmentSep      string   `json:"segment_sep"`
	SegmentPrefix   string   `json:"segment_prefix"`
	PartSep         string   `json:"part_sep"`
	SignedParts     []string `json:"signed_parts"`    // "body" or "header:<lower-case name>"; an absent header is ""
	EventIDHeader   string   `json:"event_id_header"` // stable over redeliveries
}

// Budget is what the ATS allows one credential, for calls of one family.
type Budget struct {
	Family     string  `json:"family"` // "default", "candidates.list"
	PerSecond  float64 `json:"per_second"`
	Concurrent int     `json:"concurrent"`
}

// CheckQuery says how deep Check may go.
type CheckQuery struct{}

// Credential verdicts of CheckReport.
const (
	CredentialOK      = "ok"
	CredentialRefused = "refused" // wrong key, id or secret
	CredentialNoRole  = "no_role" // accepted, but without the role the ATS wants beside it
	CredentialUnknown = "unknown" // the ATS could not be asked
)

// Permission verdicts.
const (
	Granted = "granted"
	Missing = "missing"
	Unknown = "unknown"
)

// CheckReport is the answer of Check: the credential as a whole, then a row
// per permission of the manifest, in its order.
type CheckReport struct {
	Credential string     `json:"credential"`
	Problem    string     `json:"problem,omitempty"` // plain words when Credential is not ok
	Remedy     string     `json:"remedy,omitempty"`
	Account    Account    `json:"account"`
	Rows       []CheckRow `json:"rows"`
}

// Account is the ATS company behind a credential. ID is empty where the ATS
// does not tell it to this kind of credential.
type Account struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	User string `json:"user,omitempty"` // "connected as"
}

// CheckRow is the verdict on one permission.
type CheckRow struct {
	Permission string `json:"permission"` // Permission.Key
	Name       string `json:"name"`
	Status     string `json:"status"` // granted, missing, unknown
	Serves     string `json:"serves"`
	Remedy     string `json:"remedy,omitempty"`   // set unless granted
	Optional   bool   `json:"optional,omitempty"` // as Permission.Optional: missing, it degrades nothing
	Detail     string `json:"detail,omitempty"`   // how it was found out; never a secret
}
