package pluginhost

// The catalog: which connectors may run, and the digest of the only bytes that
// may be executed under each name.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/atshub/atshub/sdk"
)

// CatalogFile is the name of the catalog that Register keeps in a folder.
const CatalogFile = "catalog.yaml"

// Catalog is a YAML (or JSON) file beside the binaries it lists.
type Catalog struct {
	Connectors []Entry `yaml:"connectors" json:"connectors"`

	dir string
}

// Entry is one connector.
type Entry struct {
	Name     string `yaml:"name" json:"name"`
	Version  string `yaml:"version" json:"version"`
	Path     string `yaml:"path" json:"path"` // relative to the catalog's folder, and inside it
	SHA256   string `yaml:"sha256" json:"sha256"`
	Endpoint string `yaml:"endpoint,omitempty" json:"endpoint,omitempty"` // base URL of the ATS instead of the vendor's own
}

var (
	validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	validSum  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// LoadCatalog reads a catalog strictly: an unknown key, a repeated name or a
// path out of the folder is an error that names it.
func LoadCatalog(file string) (*Catalog, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("connector catalog: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("connector catalog: %w", err)
	}
	c := &Catalog{dir: dir}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("connector catalog %s: %w", file, err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("connector catalog %s: more than one document", file)
	}
	seen := map[string]bool{}
	for _, e := range c.Connectors {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("connector catalog %s: %w", file, err)
		}
		if seen[e.Name] {
			return nil, fmt.Errorf("connector catalog %s: %s is listed twice", file, e.Name)
		}
		seen[e.Name] = true
	}
	return c, nil
}

func (e Entry) check() error {
	switch {
	case !validName.MatchString(e.Name):
		return fmt.Errorf("%q is no connector name: lower-case letters, digits and hyphens", e.Name)
	case e.Version == "":
		return fmt.Errorf("%s has no version", e.Name)
	case !filepath.IsLocal(e.Path):
		return fmt.Errorf("the path %q of %s leads out of the catalog's folder", e.Path, e.Name)
	case !validSum.MatchString(e.SHA256):
		return fmt.Errorf("the sha256 of %s is not 64 lower-case hex digits; register the binary again", e.Name)
	}
	return nil
}

// binary is a sealed copy of the entry's bytes, provided their digest is the
// catalog's. The path is followed inside the folder only, symlinks included.
func (c *Catalog) binary(e Entry) (*sealed, error) {
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return nil, fmt.Errorf("the catalog's folder cannot be opened: %w", err)
	}
	defer root.Close()
	f, err := root.Open(e.Path)
	if err != nil {
		return nil, fmt.Errorf("the binary of %s cannot be opened inside the catalog's folder: %w", e.Name, errors.Unwrap(err))
	}
	defer f.Close()
	s, err := seal(f, e.Name)
	if err != nil {
		return nil, err
	}
	if s.sum != e.SHA256 {
		s.Close()
		return nil, fmt.Errorf("the binary of %s is not the one registered (sha256 %s, the catalog says %s); if the change is wanted, run: atshub connector register", e.Name, s.sum[:12], e.SHA256[:12])
	}
	return s, nil
}

// Register asks binary who it is, in an empty environment, and writes it into
// the catalog of dir in place of an older entry of the same name, whose
// endpoint is kept. A binary outside dir is copied into it. Not safe for two
// processes at once.
func Register(dir, binary string) (Entry, error) {
	fail := func(err error) (Entry, error) {
		return Entry{}, fmt.Errorf("register %s: %w", filepath.Base(binary), err)
	}
	f, err := os.Open(binary)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	s, err := seal(f, filepath.Base(binary))
	if err != nil {
		return fail(err)
	}
	defer s.Close()
	m, err := askManifest(s)
	if err != nil {
		return fail(err)
	}
	e := Entry{Name: m.Name, Version: m.Version, SHA256: s.sum, Path: m.Name}
	if e.Path, err = place(dir, binary, m.Name, s); err != nil {
		return fail(err)
	}
	if err := e.check(); err != nil {
		return fail(err)
	}
	file := filepath.Join(dir, CatalogFile)
	c, err := LoadCatalog(file)
	if errors.Is(err, fs.ErrNotExist) {
		c, err = &Catalog{}, nil
	}
	if err != nil {
		return fail(err)
	}
	c.Connectors = slices.DeleteFunc(c.Connectors, func(old Entry) bool {
		if old.Name == e.Name {
			e.Endpoint = old.Endpoint
		}
		return old.Name == e.Name
	})
	c.Connectors = append(c.Connectors, e)
	slices.SortFunc(c.Connectors, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	b, err := yaml.Marshal(c)
	if err != nil {
		return fail(err)
	}
	if err := replaceFile(file, bytes.NewReader(b), 0o644); err != nil {
		return fail(err)
	}
	return e, nil
}

// place is the path of binary relative to dir, after copying it there if it
// was elsewhere.
func place(dir, binary, name string, s *sealed) (string, error) {
	if !validName.MatchString(name) {
		return "", fmt.Errorf("it calls itself %q, which is no connector name: lower-case letters, digits and hyphens", name)
	}
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	realBinary, err := filepath.EvalSymlinks(binary)
	if err != nil {
		return "", err
	}
	realDir, err = filepath.Abs(realDir)
	if err != nil {
		return "", err
	}
	realBinary, err = filepath.Abs(realBinary)
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(realDir, realBinary); err == nil && filepath.IsLocal(rel) {
		return rel, nil
	}
	return name, replaceFile(filepath.Join(dir, name), s.reader(), 0o755)
}

func replaceFile(path string, r io.Reader, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, r)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// askManifest runs "describe" of the sealed bytes with an empty environment.
func askManifest(s *sealed) (sdk.Manifest, error) {
	var m sdk.Manifest
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var out, errOut capped
	cmd := exec.CommandContext(ctx, s.path, "describe")
	cmd.Args[0] = "connector"
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = []string{}, &out, &errOut, time.Second
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	if err := cmd.Run(); err != nil {
		return m, fmt.Errorf("it does not answer \"describe\": %w: %s", err, firstLine(errOut.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		return m, fmt.Errorf("its answer to \"describe\" is not a manifest: %w", err)
	}
	return m, nil
}

// capped keeps the first mebibyte written to it.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if room := 1<<20 - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s[:min(len(s), 300)]
}
