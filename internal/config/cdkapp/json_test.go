package cdkapp_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

func TestJSONIsReadInEveryFormThatEditorsSaveItIn(t *testing.T) {
	cases := map[string]struct{ text, fails string }{
		"plain":                   {text: `{"app": "node app.js"}`},
		"byte order mark":         {text: "\xef\xbb\xbf" + `{"app": "node app.js"}`},
		"lines of Windows":        {text: "\xef\xbb\xbf{\r\n  \"app\": \"node app.js\"\r\n}\r\n"},
		"UTF-16, little endian":   {"\xff\xfe{\x00\"\x00", "encoded as UTF-16, which the CDK does not read: save it as UTF-8"},
		"UTF-16, big endian":      {"\xfe\xff\x00{\x00\"", "encoded as UTF-16"},
		"UTF-16 without its mark": {"{\x00\"\x00a\x00", "encoded as UTF-16"},
		"UTF-16 the other way":    {"\x00{\x00\"\x00a", "encoded as UTF-16"},
		"two byte order marks":    {"\xef\xbb\xbf\xef\xbb\xbf{}", "not valid JSON of the expected form"},
		"more behind it":          {`{"app": "x"} {"app": "y"}`, "unexpected data after its end"},
		"cut off":                 {`{"app": `, "not valid JSON of the expected form: unexpected EOF"},
		"empty":                   {"", "not valid JSON of the expected form: EOF"},
		"another form":            {`{"app": 1}`, "not valid JSON of the expected form"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cdk.json")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			var settings struct{ App string }
			err := cdkapp.ReadJSON("", file, &settings)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "node app.js", settings.App)
		})
	}
}

// TestNothingButAFileOfTheRepositoryIsRead is T19: what a commit puts in a file's place.
func TestNothingButAFileOfTheRepositoryIsRead(t *testing.T) {
	top := t.TempDir()
	app := filepath.Join(top, "app")
	require.NoError(t, os.MkdirAll(app, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(top, "shared.json"), []byte(`{"a":1}`), 0o644))
	require.NoError(t, os.Symlink("../shared.json", filepath.Join(app, "inside.json")))
	require.NoError(t, cdkapp.ReadJSON(top, filepath.Join(app, "inside.json"), new(any)))
	for name, target := range map[string]string{
		"a device": "/dev/zero", "variables of this process": "/proc/self/environ", "a folder above": "../../x.json", "itself": "itself.json", "a folder": ".",
	} {
		file := filepath.Join(app, strings.ReplaceAll(name, " ", "-")+".json")
		require.NoError(t, os.Symlink(target, file))
		err := cdkapp.ReadJSON(top, file, new(any))
		require.Error(t, err, name)
		assert.NotErrorIs(t, err, fs.ErrNotExist, name)
	}
	pipe := filepath.Join(app, "pipe.json")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	assert.ErrorIs(t, cdkapp.ReadJSON(top, pipe, new(any)), limits.ErrNotRegular)
	assert.ErrorIs(t, cdkapp.ReadJSON("", "/dev/zero", new(any)), limits.ErrNotRegular)
}

func TestTheErrorForAMissingFileIsErrNotExist(t *testing.T) {
	assert.ErrorIs(t, cdkapp.ReadJSON("", filepath.Join(t.TempDir(), "cdk.json"), new(any)), fs.ErrNotExist)
}
