package service

import (
	"slices"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/sdk"
)

// Connector is a connector the product may use.
type Connector struct {
	Name        string           `json:"name"`
	Available   bool             `json:"available" doc:"false: its process is not running now"`
	Version     string           `json:"version,omitempty"`
	ATS         string           `json:"ats,omitempty"`
	Summary     string           `json:"summary,omitempty"`
	Logo        string           `json:"logo,omitempty" doc:"inline SVG"`
	DocsURL     string           `json:"docs_url,omitempty"`
	Fields      []sdk.Field      `json:"fields"`
	Permissions []sdk.Permission `json:"permissions"`
	Abilities   []string         `json:"abilities"`
	Webhooks    bool             `json:"webhooks"`
}

// Connectors lists the connectors of the actor's product.
func (s *Service) Connectors(a hub.Actor) (l List[Connector], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return l, err
	}
	l.Items = []Connector{}
	for _, name := range p.Connectors {
		l.Items = append(l.Items, s.connector(name))
	}
	return l, nil
}

// Connector is one of them.
func (s *Service) Connector(a hub.Actor, name string) (Connector, error) {
	if err := s.need(a, View); err != nil {
		return Connector{}, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return Connector{}, err
	}
	if !slices.Contains(p.Connectors, name) {
		return Connector{}, hub.NotFound("connector")
	}
	return s.connector(name), nil
}

func (s *Service) connector(name string) Connector {
	v := Connector{Name: name, Fields: []sdk.Field{}, Permissions: []sdk.Permission{}, Abilities: []string{}}
	m, err := s.reach.Manifest(name)
	if err != nil {
		return v
	}
	v.Available, v.Version, v.ATS, v.Summary, v.Logo, v.DocsURL, v.Webhooks = true, m.Version, m.ATS, m.Summary, m.Logo, m.DocsURL, m.Webhooks != nil
	v.Fields = append(v.Fields, m.Fields...)
	v.Permissions = append(v.Permissions, m.Permissions...)
	v.Abilities = append(v.Abilities, m.Abilities...)
	return v
}

// Product is the software the hub acts for.
type Product struct {
	Name        string       `json:"name"`
	DisplayName string       `json:"display_name"`
	Kind        product.Kind `json:"kind" doc:"screening or capture"`
	Connectors  []string     `json:"connectors"`
	Fields      []sdk.Field  `json:"fields" doc:"credential fields beside the connector's"`
	Permissions []NamedKey   `json:"permissions"`
	Roles       []Role       `json:"roles"`
	Statuses    []NamedKey   `json:"statuses" doc:"what a status sync can wait for"`
}

// NamedKey is a key with what people call it.
type NamedKey struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// Role is a role of the product's users.
type Role struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

// Products lists what the actor's key is for.
func (s *Service) Products(a hub.Actor) (l List[Product], err error) {
	if err := s.need(a, View); err != nil {
		return l, err
	}
	p, err := s.productOf(a)
	if err != nil {
		return l, err
	}
	v := Product{Name: p.Name, DisplayName: p.DisplayName, Kind: p.Kind, Connectors: p.Connectors, Fields: p.CredentialFields(), Permissions: []NamedKey{}, Roles: []Role{}, Statuses: []NamedKey{}}
	for _, q := range p.Permissions {
		v.Permissions = append(v.Permissions, NamedKey(q))
	}
	for _, r := range p.Roles {
		v.Roles = append(v.Roles, Role(r))
	}
	for _, st := range p.Statuses {
		v.Statuses = append(v.Statuses, NamedKey{Key: st.Key, Name: st.Label})
	}
	return List[Product]{Items: []Product{v}}, nil
}
