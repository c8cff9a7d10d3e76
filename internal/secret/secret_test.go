package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/atshub/atshub/internal/secret"
	"github.com/atshub/atshub/sdk"
)

const canary = "canary-sealed-0123456789"

func keyFile(t *testing.T) string { return filepath.Join(t.TempDir(), "keys.json") }

func open(t *testing.T, path string) *secret.Sealer {
	t.Helper()
	s, err := secret.OpenSealer(path)
	require.NoError(t, err)
	return s
}

func TestG17_SealedSecretOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	s := open(t, keyFile(t))
	sealed, err := s.Seal("t1", "c1", "api_key", canary)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "canary")
	again, err := s.Seal("t1", "c1", "api_key", canary)
	require.NoError(t, err)
	require.NotEqual(t, sealed, again)

	plain, err := s.Open("t1", "c1", "api_key", sealed)
	require.NoError(t, err)
	require.Equal(t, canary, plain.Reveal())

	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		tenant, connection, field string
		sealed                    []byte
	}{
		"other tenant":     {"t2", "c1", "api_key", sealed},
		"other connection": {"t1", "c2", "api_key", sealed},
		"other field":      {"t1", "c1", "password", sealed},
		"swapped":          {"c1", "t1", "api_key", sealed},
		"shifted":          {"t1c", "1", "api_key", sealed},
		"changed":          {"t1", "c1", "api_key", flipped},
		"cut":              {"t1", "c1", "api_key", sealed[:10]},
		"empty":            {"t1", "c1", "api_key", nil},
	} {
		got, err := s.Open(c.tenant, c.connection, c.field, c.sealed)
		require.Equal(t, secret.CodeNotOpened, secret.CodeOf(err), name)
		require.Empty(t, got.Reveal(), name)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "canary", name)
	}
	_, err = s.Seal("t1", "", "api_key", canary)
	require.ErrorIs(t, err, &secret.Error{Code: secret.CodeInvalid})
	require.NotContains(t, err.Error(), "canary")
}

func TestG17_KeyRotationNeedsNoDowntime(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	rotating, running := open(t, path), open(t, path)
	old, err := rotating.Seal("t", "c", "f", canary)
	require.NoError(t, err)
	require.True(t, rotating.Current(old))

	require.NoError(t, rotating.AddPrimary())
	require.False(t, rotating.Current(old))
	plain, err := rotating.Open("t", "c", "f", old)
	require.NoError(t, err)
	fresh, err := rotating.Seal("t", "c", "f", plain)
	require.NoError(t, err)
	require.True(t, rotating.Current(fresh))

	plain, err = running.Open("t", "c", "f", fresh)
	require.NoError(t, err, "a process that was running all the time finds the new key")
	require.Equal(t, canary, plain.Reveal())
	require.NoError(t, running.AddPrimary())
	plain, err = open(t, path).Open("t", "c", "f", old)
	require.NoError(t, err)
	require.Equal(t, canary, plain.Reveal())

	_, err = open(t, keyFile(t)).Open("t", "c", "f", fresh)
	require.Equal(t, secret.CodeUnknownKey, secret.CodeOf(err))
}

func TestG17_AddingAKeyIsRefusedWhileAnotherProcessDoes(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	s := open(t, path)
	require.NoError(t, os.WriteFile(path+".lock", nil, 0o600))
	require.Equal(t, secret.CodeKeyFile, secret.CodeOf(s.AddPrimary()))
	require.NoError(t, os.Remove(path+".lock"))
	require.NoError(t, s.AddPrimary())
	require.NoFileExists(t, path+".lock")
}

func TestG17_KeyFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	open(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "no copy of the keys stays behind")

	for _, mode := range []fs.FileMode{0o644, 0o604, 0o620, 0o602} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := secret.OpenSealer(path)
		require.Equal(t, secret.CodeExposed, secret.CodeOf(err), mode)
	}
	require.NoError(t, os.WriteFile(path, []byte(`{"primaryKeyId":1,"`+canary+`"`), 0o600))
	require.NoError(t, os.Chmod(path, 0o600))
	_, err = secret.OpenSealer(path)
	require.Equal(t, secret.CodeKeyFile, secret.CodeOf(err))
	require.NotContains(t, err.Error(), "canary")
	require.Nil(t, errors.Unwrap(err))
	_, err = secret.OpenSealer(filepath.Join(t.TempDir(), "no", "such", "folder"))
	require.Equal(t, secret.CodeKeyFile, secret.CodeOf(err))
}

func TestG17_ProcessesThatStartAtOnceShareOneKey(t *testing.T) {
	t.Parallel()
	path := keyFile(t)
	sealed := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range sealed {
		wg.Go(func() {
			s, err := secret.OpenSealer(path)
			if err == nil {
				sealed[i], _ = s.Seal("t", "c", "f", canary)
			}
		})
	}
	wg.Wait()
	s := open(t, path)
	for _, b := range sealed {
		_, err := s.Open("t", "c", "f", b)
		require.NoError(t, err)
	}
}

func TestG17_HintShowsTheEndOfLongSecretsOnly(t *testing.T) {
	t.Parallel()
	require.Equal(t, "6789", secret.Hint(canary))
	require.Equal(t, "wxyz", secret.Hint("åäö-45678wxyz"))
	require.Empty(t, secret.Hint("hunter2"))
	require.Empty(t, secret.Hint(""))
}

func TestG17_APIKeysAreStoredAsHashes(t *testing.T) {
	t.Parallel()
	key, hash := secret.NewAPIKey()
	other, _ := secret.NewAPIKey()
	require.True(t, strings.HasPrefix(key.Reveal(), "atsk_"))
	require.Len(t, key.Reveal(), len("atsk_")+43)
	require.Len(t, hash, 32)
	require.NotContains(t, fmt.Sprint(key), key.Reveal())
	require.True(t, secret.MatchAPIKey(hash, key))
	found, ok := secret.HashAPIKey(key)
	require.True(t, ok)
	require.Equal(t, hash, found)
	for _, wrong := range []sdk.Secret{other, "", "atsk_", key + "A", sdk.Secret(strings.TrimPrefix(key.Reveal(), "atsk_"))} {
		require.False(t, secret.MatchAPIKey(hash, wrong))
	}
	require.False(t, secret.MatchAPIKey(nil, key))
}
