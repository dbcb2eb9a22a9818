package source_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/source"
)

func TestASourceIsOpenedInAnyShapeAndFromAnyFolderInIt(t *testing.T) {
	for name, shape := range gittest.Shapes(t) {
		for _, folder := range []string{".", "svc"} {
			dir := filepath.Join(shape.Dir, folder)
			require.NoError(t, os.MkdirAll(dir, 0o755)) // a sparse clone leaves it out
			src, err := source.Open(t.Context(), dir)
			require.NoError(t, err, name)
			assert.Equal(t, shape.Dir, src.Top, name)
			assert.Equal(t, folder, src.Inside, name)
			assert.Equal(t, "second", src.Subject, name)
			assert.Equal(t, dir, src.Folder(), name)
		}
	}
}

const anyConfiguration = `version: "1.0"
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`

// sourceOf makes a commit of configurations at some paths.
func sourceOf(t *testing.T, paths ...string) *gittest.Repository {
	t.Helper()
	r := gittest.New(t)
	for _, path := range append(paths, "svc/deeper/x", "other/x") {
		r.Write(path, anyConfiguration)
	}
	r.Commit("one")
	return r
}

func TestTheConfigurationIsTheNearestOneUpwardsElseTheOnlyOne(t *testing.T) {
	cases := map[string]struct {
		files            []string
		from, name, want string
	}{
		"at the top":                    {[]string{config.File}, ".", config.File, config.File},
		"in the folder":                 {[]string{config.File, "svc/" + config.File}, "svc", config.File, "svc/" + config.File},
		"above the folder":              {[]string{"svc/" + config.File, "other/" + config.File}, "svc/deeper", config.File, "svc/" + config.File},
		"at the top, from a folder":     {[]string{config.File}, "svc", config.File, config.File},
		"the only one":                  {[]string{"svc/" + config.File}, ".", config.File, "svc/" + config.File},
		"the only one, from a sibling":  {[]string{"svc/" + config.File}, "other", config.File, "svc/" + config.File},
		"of another name":               {[]string{"svc/prod.yaml", config.File}, "svc", "prod.yaml", "svc/prod.yaml"},
		"by its path":                   {[]string{"svc/prod.yaml"}, ".", "svc/prod.yaml", "svc/prod.yaml"},
		"by its path, from a folder":    {[]string{"svc/prod.yaml"}, "other", "svc/prod.yaml", "svc/prod.yaml"},
		"several, and none in the path": {[]string{"svc/" + config.File, "other/" + config.File}, ".", config.File, ""},
		"no other name is guessed":      {[]string{"svc/prod.yaml"}, ".", "prod.yaml", ""},
		"none":                          {nil, "svc", config.File, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := source.Open(t.Context(), filepath.Join(sourceOf(t, c.files...).Dir, c.from))
			require.NoError(t, err)
			_, path, err := src.Config(c.name)
			if c.want == "" {
				require.Error(t, err)
				assert.Equal(t, errs.Invalid, errs.KindOf(err))
				assert.NotContains(t, errs.HintOf(err), "git init")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, path)
		})
	}
}

func TestALinkOrAFileOutOfTheCommitIsNoConfiguration(t *testing.T) {
	r := sourceOf(t, "svc/"+config.File)
	require.NoError(t, os.Symlink("svc/"+config.File, filepath.Join(r.Dir, config.File)))
	r.Commit("a link")
	src, err := source.Open(t.Context(), r.Dir)
	require.NoError(t, err)
	_, path, err := src.Config(filepath.Join(r.Dir, "svc", config.File))
	require.NoError(t, err, "an absolute path in the repository")
	assert.Equal(t, "svc/"+config.File, path)
	for name, says := range map[string]string{
		config.File:     "it is a symbolic link",
		"/etc/hostname": "/etc/hostname is outside of the commit",
		"../x.yaml":     "../x.yaml is outside of the commit",
	} {
		_, _, err := src.Config(name)
		require.ErrorContains(t, err, says)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotContains(t, errs.HintOf(err), "git add")
	}
}

func TestWithoutARepositoryTheHintFits(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	require.NoError(t, os.MkdirAll(filepath.Join(broken, "svc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(broken, ".git"), []byte("gitdir: /nowhere\n"), 0o644))
	empty := gittest.New(t).Dir
	for at, hint := range map[string]string{
		dir: "git init", broken: "git -C", filepath.Join(broken, "svc"): "git -C", filepath.Join(dir, "missing"): "--source", empty: "git commit",
	} {
		_, err := source.Open(t.Context(), at)
		require.Error(t, err, at)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), at)
		assert.Contains(t, errs.HintOf(err), hint, at)
		if at != dir {
			assert.NotContains(t, errs.HintOf(err), "git init", at)
		}
	}
}

func TestASourceThroughALinkIsTheRepositoryOfItsTarget(t *testing.T) {
	r := sourceOf(t, config.File)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(filepath.Join(r.Dir, "svc"), link))
	src, err := source.Open(t.Context(), link)
	require.NoError(t, err)
	assert.Equal(t, "svc", src.Inside)
}

func TestNoFileSystemMonitorOfTheRepositoryIsRun(t *testing.T) {
	r := sourceOf(t, config.File)
	owned := filepath.Join(t.TempDir(), "owned")
	r.Git("config", "core.fsmonitor", "touch "+owned)
	_, err := source.Open(t.Context(), r.Dir)
	require.NoError(t, err)
	assert.NoFileExists(t, owned)
}

func TestTheFilesThatACommitLacksAreKnown(t *testing.T) {
	r := sourceOf(t, config.File, "svc/kept.txt")
	src, err := source.Open(t.Context(), r.Dir)
	require.NoError(t, err)
	assert.Empty(t, src.Changed)
	require.NoError(t, os.Rename(filepath.Join(r.Dir, "svc/kept.txt"), filepath.Join(r.Dir, "svc/moved ü.txt")))
	require.NoError(t, os.WriteFile(filepath.Join(r.Dir, "package-lock.json"), nil, 0o600))
	src, err = source.Open(t.Context(), filepath.Join(r.Dir, "svc"))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"svc/kept.txt", "svc/moved ü.txt", "package-lock.json"}, src.Changed)
}
