package product

// product.go: the product files.

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/atshub/atshub/sdk"
)

//go:embed products/*.yaml
var defaultFiles embed.FS

//go:embed contracts/*.yaml
var contractFiles embed.FS

// Kind decides which contract a product fulfils and which flow serves it.
type Kind string

const (
	KindScreening Kind = "screening"
	KindCapture   Kind = "capture"
)

// How the hub makes itself known to a product.
const (
	AuthUserLogin    = "user_login"    // with a user of the customer: fields "username" and "password"
	AuthServiceToken = "service_token" // with a token the operator configures; the customer is named by its organisation
)

// Permissions of a person who uses the hub.
const (
	PermissionManageIntegration = "manage_ats_integration" // install, relink, pause, uninstall
	PermissionManageJobPosts    = "manage_job_posts"       // import jobs, triggers, toggles, syncs
)

// Keys of the credential fields of AuthUserLogin.
const (
	FieldUsername = "username"
	FieldPassword = "password"
)

// Product describes one product.
type Product struct {
	Name        string        `yaml:"name"` // [a-z0-9-]
	DisplayName string        `yaml:"display_name"`
	Kind        Kind          `yaml:"kind"`
	BaseURL     string        `yaml:"base_url"` // of its API; an operator may override it
	Connectors  []string      `yaml:"connectors"`
	Auth        string        `yaml:"auth"`
	Fields      []Field       `yaml:"credential_fields"`
	Permissions []Permission  `yaml:"permissions"`
	Roles       []AccessRole  `yaml:"roles"`
	Statuses    []Status      `yaml:"statuses"`
	JoinLead    time.Duration `yaml:"join_lead"` // of capture: how long before the start the recorder is in the call
}

// Field is a credential field of the product, shown beside the connector's.
type Field struct {
	Key     string `yaml:"key"`
	Label   string `yaml:"label"`
	Help    string `yaml:"help"`
	Secret  bool   `yaml:"secret"`
	Pattern string `yaml:"pattern"` // RE2 the whole value must match
}

// Permission is a right a person has in the product.
type Permission struct {
	Key  string `yaml:"key"`
	Name string `yaml:"name"`
}

// AccessRole is a role of the product's users and what it may do here.
type AccessRole struct {
	Name        string   `yaml:"name"`
	Permissions []string `yaml:"permissions"`
}

// Status is a candidate status of a screening product that a status-sync
// trigger can wait for.
type Status struct {
	Key   string `yaml:"key"` // as in Change.Status
	Label string `yaml:"label"`
}

// CredentialFields are the product's fields in the form the connectors' have.
func (p Product) CredentialFields() []sdk.Field {
	fields := make([]sdk.Field, len(p.Fields))
	for i, f := range p.Fields {
		fields[i] = sdk.Field{Key: f.Key, Label: f.Label, Help: f.Help, Secret: f.Secret, Pattern: f.Pattern}
	}
	return fields
}

// Role finds a role by its name, capitals aside.
func (p Product) Role(name string) (AccessRole, bool) {
	i := slices.IndexFunc(p.Roles, func(r AccessRole) bool { return strings.EqualFold(r.Name, name) })
	if i < 0 {
		return AccessRole{}, false
	}
	return p.Roles[i], true
}

// Allows tells that a person in one of the roles has the permission. Unknown
// roles allow nothing.
func (p Product) Allows(roles []string, permission string) bool {
	return slices.ContainsFunc(roles, func(name string) bool {
		r, ok := p.Role(name)
		return ok && slices.Contains(r.Permissions, permission)
	})
}

// PermissionName is what people call the permission.
func (p Product) PermissionName(key string) string {
	for _, q := range p.Permissions {
		if q.Key == key {
			return q.Name
		}
	}
	return key
}

// Status finds a product status by its key.
func (p Product) Status(key string) (Status, bool) {
	i := slices.IndexFunc(p.Statuses, func(s Status) bool { return s.Key == key })
	if i < 0 {
		return Status{}, false
	}
	return p.Statuses[i], true
}

// Contract is the OpenAPI document a product of that kind fulfils.
func Contract(k Kind) ([]byte, error) {
	return contractFiles.ReadFile("contracts/" + string(k) + ".openapi.yaml")
}

// Catalog is all products by name.
type Catalog struct{ products map[string]Product }

// Default is the catalog the program comes with.
func Default() (*Catalog, error) {
	sub, err := fs.Sub(defaultFiles, "products")
	if err != nil {
		return nil, err
	}
	c := &Catalog{products: map[string]Product{}}
	return c, c.add(sub)
}

// Load is the default catalog and the operator's folder: each *.yaml in it
// adds a product, or replaces the one of the same name. A wrong file is a
// *FileError.
func Load(dir string) (*Catalog, error) {
	c, err := Default()
	if err != nil || dir == "" {
		return c, err
	}
	return c, c.add(os.DirFS(dir))
}

// Get finds a product by its name.
func (c *Catalog) Get(name string) (Product, bool) {
	p, ok := c.products[name]
	return p, ok
}

// All are the products in the order of their names.
func (c *Catalog) All() []Product {
	all := make([]Product, 0, len(c.products))
	for _, p := range c.products {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Product) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// SetBaseURL points a product elsewhere: the operator's setting. plainHTTP
// accepts http:// beyond this machine.
func (c *Catalog) SetBaseURL(name, baseURL string, plainHTTP bool) error {
	p, ok := c.products[name]
	if !ok {
		return &FileError{File: name, Field: "name", Problem: "there is no such product"}
	}
	if err := checkBaseURL(baseURL, plainHTTP); err != nil {
		return err
	}
	p.BaseURL = baseURL
	c.products[name] = p
	return nil
}

// FileError is what is wrong with a product file. It is the operator's to mend;
// the program does not start with it.
type FileError struct {
	File    string
	Field   string // empty where the file as a whole is wrong
	Problem string
}

func (e *FileError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("product file %s: %s", e.File, e.Problem)
	}
	return fmt.Sprintf("product file %s: %s: %s", e.File, e.Field, e.Problem)
}

// add reads every product file of a folder; two of one folder must not have
// the same name.
func (c *Catalog) add(dir fs.FS) error {
	names, err := fs.Glob(dir, "*.yaml")
	if err == nil && len(names) == 0 {
		_, err = fs.Stat(dir, ".")
	}
	if err != nil {
		return &FileError{File: ".", Problem: "the folder of product files cannot be read"}
	}
	from := map[string]string{}
	for _, name := range names {
		raw, err := fs.ReadFile(dir, name)
		if err != nil {
			return &FileError{File: name, Problem: "cannot be read"}
		}
		p, err := Parse(name, raw)
		if err != nil {
			return err
		}
		if other, twice := from[p.Name]; twice {
			return &FileError{File: name, Field: "name", Problem: "is also the name in " + other}
		}
		from[p.Name] = name
		c.products[p.Name] = p
	}
	return nil
}

// Parse reads one product file strictly: a member it does not know, one given
// twice or a second document is an error, as is anything that would fail later.
func Parse(file string, raw []byte) (Product, error) {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	var p Product
	if err := d.Decode(&p); err != nil {
		return Product{}, &FileError{File: path.Base(file), Problem: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return Product{}, &FileError{File: path.Base(file), Problem: "holds more than one document"}
	}
	if field, problem := p.check(); problem != "" {
		return Product{}, &FileError{File: path.Base(file), Field: field, Problem: problem}
	}
	return p, nil
}

// checkBaseURL accepts https, and http to this machine.
func checkBaseURL(raw string, plainHTTP bool) error {
	u, err := url.Parse(raw)
	bad := func(problem string) error { return &FileError{File: "base_url", Field: "base_url", Problem: problem} }
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return bad("must be an https address without user, query and fragment")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local && !plainHTTP) {
		return bad("must begin with https://; http:// is accepted for this machine only")
	}
	return nil
}
